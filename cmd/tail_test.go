package cmd_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/cmd"
)

// Following events begins with the last ones, goes on with the next, and ends
// in order when it is interrupted.
func TestEventsTail(t *testing.T) {
	m := newTerminal(t)
	_, phone, adminURL := adasDevices(t, m)
	t.Setenv("LANYARD_ADMIN_URL", adminURL)
	t.Setenv("LANYARD_ADMIN_TOKEN", operatorToken)

	out, in := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int)
	go func() {
		defer func() { _ = in.Close() }()
		ended <- cmd.Main([]string{"events", "tail", "--last", "1", "--output", "json"}, strings.NewReader(""), in, &errs)
	}()
	lines := bufio.NewScanner(out)
	next := func() (e api.Event) {
		if !lines.Scan() {
			t.Fatalf("the tail ended: %s", &errs)
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := next(); e.Type != "device.enrolled" || e.DeviceID != phone.ID {
		t.Errorf("began with %+v", e)
	}
	m.runs(0, "devices", "rename", phone.ID, "Ada's phone")
	if e := next(); e.Type != "device.renamed" {
		t.Errorf("went on with %+v", e)
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status := <-ended; status != 0 || errs.Len() > 0 {
		t.Errorf("status %d, %s", status, &errs)
	}
}
