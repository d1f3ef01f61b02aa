package house

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, once done
}

// patience is how long a server may take to start or to end. It is no
// promise: machines that run tests may be busy.
const patience = 60 * time.Second

// Start starts the server and waits until it is ready. The server ends with
// the test.
func (h *House) Start() {
	h.t.Helper()
	if err := h.Launch(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.end)
}

// Launch is Start for those who see to the end themselves.
func (h *House) Launch() error {
	if h.process != nil {
		return fmt.Errorf("the server is running already")
	}
	began := time.Now()
	c := exec.Command(built.path, "serve", "-c", h.Config)
	c.Dir, c.Stdout, c.Stderr = h.Dir, h.log, h.log
	c.Env = environ()
	c.SysProcAttr = withParent()
	if err := c.Start(); err != nil {
		return err
	}
	p := &process{cmd: c, done: make(chan struct{})}
	go func() {
		p.err = c.Wait()
		close(p.done)
	}()
	h.process = p
	if err := h.ready(p); err != nil {
		return err
	}
	h.Ready = time.Since(began)
	return nil
}

func (h *House) ready(p *process) error {
	ask := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-p.done:
			h.process = nil
			return fmt.Errorf("the server ended instead of starting: %w\n%s", p.err, h.Log())
		default:
		}
		answer, err := ask.Get("http://" + h.public() + "/health/ready")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	_ = h.Kill()
	return fmt.Errorf("the server did not get ready:\n%s", h.Log())
}

// Stop asks the server to end, waits, and fails the test unless it ends in
// order.
func (h *House) Stop() {
	h.t.Helper()
	if err := h.Terminate(); err != nil {
		h.t.Errorf("%v\n%s", err, h.Log())
	}
}

// Terminate is Stop with an error.
func (h *House) Terminate() error {
	p := h.process
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		h.process = nil
	case <-time.After(patience):
		_ = h.Kill()
		return fmt.Errorf("the server did not end")
	}
	if p.err != nil {
		return fmt.Errorf("the server did not end in order: %w", p.err)
	}
	return nil
}

// Kill ends the server as a power cut does.
func (h *House) Kill() error {
	p := h.process
	if p == nil {
		return nil
	}
	h.process = nil
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.done
	return nil
}

// end is what a test's end does to its server.
func (h *House) end() {
	h.Stop()
	text := h.Log()
	for _, bad := range []string{"panic", "DATA RACE"} {
		if strings.Contains(text, bad) {
			h.t.Errorf("the server's log speaks of %s", bad)
		}
	}
	if h.t.Failed() {
		h.t.Logf("the server's log:\n%s", text)
	}
}

// Log returns what the server has printed, over all its starts.
func (h *House) Log() string { return h.log.String() }

// log keeps what a process prints.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps a part.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all parts.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
