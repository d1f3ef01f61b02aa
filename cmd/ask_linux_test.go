package cmd_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/lanyard-id/lanyard/cmd"
)

// newSeat returns a terminal at which somebody types: what is written to
// keyboard is what the other end reads.
func newSeat(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	control := func(request uintptr, value *int32) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, keyboard.Fd(), request, uintptr(unsafe.Pointer(value)))
		if errno != 0 {
			t.Fatal(errno)
		}
	}
	var unlocked, number int32
	control(syscall.TIOCSPTLCK, &unlocked)
	control(syscall.TIOCGPTN, &number)
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = screen.Close(), keyboard.Close() })
	return keyboard, screen
}

// prompts is standard error that says when something is asked.
type prompts struct {
	bytes.Buffer
	asked chan string
}

func (p *prompts) Write(text []byte) (int, error) {
	if s := string(text); strings.HasSuffix(s, ": ") || strings.HasSuffix(s, "] ") {
		p.asked <- s
	}
	return p.Buffer.Write(text)
}

// seated runs a command line at a terminal where somebody types the answers,
// each when it is asked for, or interrupts where there is none left.
func seated(t *testing.T, answers []string, args ...string) (status int, out, errs string) {
	t.Helper()
	keyboard, screen := newSeat(t)
	var stdout bytes.Buffer
	stderr := &prompts{asked: make(chan string, 8)}
	ended := make(chan int, 1)
	go func() { ended <- cmd.Main(args, screen, &stdout, stderr) }()
	for {
		select {
		case status = <-ended:
			return status, stdout.String(), stderr.String()
		case <-stderr.asked:
			time.Sleep(50 * time.Millisecond) // it turns the echo off, which drops what was typed before
			var err error
			if len(answers) == 0 {
				err = syscall.Kill(syscall.Getpid(), syscall.SIGINT)
			} else {
				_, err = keyboard.WriteString(answers[0] + "\n")
				answers = answers[1:]
			}
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			_, _ = keyboard.WriteString("\n\n")
			t.Fatalf("lanyard %s hangs: %s", strings.Join(args, " "), stderr)
		}
	}
}

// What cannot be undone is asked for on a terminal, and only a yes is one.
func TestAskedOnATerminal(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	m.runs(0, "users", "create", "ada")
	for _, answers := range [][]string{{""}, {"n"}, {"yess"}, nil} {
		for _, args := range [][]string{{"users", "delete", "ada"}, {"migrate", "down"}} {
			status, out, errs := seated(t, answers, args...)
			if status != 1 || out != "" || !strings.Contains(errs, "[y/N]") {
				t.Errorf("%v to %v: status %d, %q, %q", answers, args, status, out, errs)
			}
		}
	}
	m.runs(0, "users", "show", "ada")
	if status, out, errs := seated(t, []string{"y"}, "users", "delete", "ada"); status != 0 || !strings.HasPrefix(out, "deleted ada") {
		t.Errorf("status %d, %q, %q", status, out, errs)
	}
	if status, out, errs := seated(t, []string{"YES"}, "migrate", "down"); status != 0 || !strings.Contains(out, "undid") {
		t.Errorf("status %d, %q, %q", status, out, errs)
	}
}

// A password that is typed unseen is typed twice; an interrupt ends the asking.
func TestSecretsAreTypedTwice(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	create := []string{"users", "create", "ada", "--password", "-"}
	for want, answers := range map[string][]string{
		"not the same": {"correct horse battery", "correct horse batery"},
		"interrupted":  nil, "at least 12": {"short", "short"}, "no password": {""},
	} {
		if status, out, errs := seated(t, answers, create...); status == 0 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%v: status %d, %q, %q", answers, status, out, errs)
		}
	}
	status, out, errs := seated(t, []string{"correct horse battery", "correct horse battery"}, create...)
	if status != 0 || strings.Contains(out+errs, "correct") || !signsIn(t, "ada", "correct horse battery") {
		t.Errorf("status %d, %q, %q", status, out, errs)
	}
}
