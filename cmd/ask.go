package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxTyped is the most bytes of an answer or a secret that are read.
const maxTyped = 64 << 10

// terminal returns standard input where a person sits at it.
func (a *app) terminal() (*os.File, bool) {
	in, isFile := a.stdin.(*os.File)
	return in, isFile && term.IsTerminal(int(in.Fd()))
}

// confirm lets a step that cannot be undone go on: because of --yes, or because
// somebody at the terminal says so. Nobody else is asked.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	in, here := a.terminal()
	if !here {
		return usagef("this cannot be undone: add --yes (there is no terminal to ask on)")
	}
	fmt.Fprintf(a.stderr, "%s Go on? [y/N] ", printable(question))
	line, err := a.untilInterrupted(func() ([]byte, error) { return readLine(in) })
	if err != nil {
		fmt.Fprintln(a.stderr)
		return err
	}
	switch strings.ToLower(strings.TrimSpace(string(line))) {
	case "y", "yes":
		return nil
	default:
		return errors.New("nothing was changed")
	}
}

// readLine reads a line and nothing after it.
func readLine(in io.Reader) ([]byte, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < maxTyped; {
		switch n, err := in.Read(one); {
		case n == 1 && one[0] == '\n', errors.Is(err, io.EOF):
			return line, nil
		case err != nil:
			return nil, err
		default:
			line = append(line, one[:n]...)
		}
	}
	return line, nil
}

// readSecret reads what must not be shown: typed twice on a terminal, where a
// slip of the fingers shows nowhere, or else all of standard input.
func (a *app) readSecret(what string) ([]byte, error) {
	in, here := a.terminal()
	if !here {
		return a.untilInterrupted(func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.stdin, maxTyped)) })
	}
	first, err := a.typed(in, what+" (not shown): ")
	if err != nil || len(first) == 0 {
		return first, err
	}
	again, err := a.typed(in, "Once more: ")
	if err == nil && !bytes.Equal(first, again) {
		err = errors.New("the two are not the same; nothing was changed")
	}
	return first, err
}

// typed asks for a line without showing it. An interrupt ends it, and leaves
// the terminal as it was.
func (a *app) typed(in *os.File, prompt string) ([]byte, error) {
	fd := int(in.Fd()) // once: a read that is given up may outlast the file
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(a.stderr, prompt)
	line, err := a.untilInterrupted(func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(a.stderr)
	return line, errors.Join(err, term.Restore(fd, before))
}

// untilInterrupted reads until the interrupt, which does not end a read by
// itself. A read that is given up ends with the process.
func (a *app) untilInterrupted(read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-a.ctx.Done():
		return nil, errInterrupted
	}
}

// secretFlag returns a secret that was given as it is or, as "-", on standard
// input: there it appears in no list of processes. On a terminal it is asked
// for by what it is, and not shown.
func (a *app) secretFlag(value, what string) (string, error) {
	if value != "-" {
		return value, nil
	}
	text, err := a.readSecret(what)
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", strings.ToLower(what), err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", usagef("no %s came on standard input", strings.ToLower(what))
	}
	return secret, nil
}
