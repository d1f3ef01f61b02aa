package cmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

type simulateCmd struct {
	Input  string       `required:"" placeholder:"FILE" help:"Sightings, one JSON object a line; - is standard input."`
	Policy string       `placeholder:"FILE" help:"Weights and thresholds to judge by, instead of those of policy.file."`
	Mode   devices.Mode `enum:"observe,flag,enforce" default:"enforce" help:"How far judgments reach: observe, flag or enforce."`
}

// Run checks every line, and then judges them, in their order. Where one line
// is mistaken nothing is judged.
func (c *simulateCmd) Run(a *app) error {
	config, err := a.config()
	if err != nil {
		return err
	}
	if c.Policy != "" {
		config.Policy.File = c.Policy
	}
	policy, err := config.policy()
	if err != nil {
		return err
	}
	policy.Mode = c.Mode
	places, err := config.places(newLog(config.Log, a.stderr))
	if err != nil {
		return err
	}
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(400) // lines are garbage as soon as they are judged
	}
	input, err := a.replayable(c.Input)
	if err != nil {
		return err
	}
	defer func() { _ = input.Close() }() // it was read, or has no name
	seen := &progress{a: a}
	defer seen.end()
	if err := checkSightings(input, seen); err != nil {
		return err
	}
	if _, err := input.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read sightings again: %w", err)
	}
	return c.judge(a, input, policy, newSimulation(policy, config.Tokens.Grace, placesOf(places)), seen)
}

// judged is what is printed of a line.
type judged struct {
	Line    int              `json:"line"`
	Verdict devices.Decision `json:"verdict"`
	Reasons []devices.Reason `json:"reasons"`
}

func (c *simulateCmd) judge(a *app, input io.Reader, p devices.Policy, s *simulation, seen *progress) error {
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	print := json.NewEncoder(out).Encode
	if a.flags.Output == "text" {
		print = func(v any) error {
			j := v.(judged)
			_, err := fmt.Fprintf(out, "%8d  %-7s  %s\n", j.Line, j.Verdict, strings.Join(words(j.Reasons), " "))
			return err
		}
	}
	counts := newTally()
	seen.doing = "judged"
	err := eachSighting(input, func(n int, l sightingLine) error {
		if err := seen.at(n); err != nil {
			return err
		}
		v, err := s.judge(a.ctx, l)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		counts.add(l, v.Decision)
		return print(judged{n, v.Decision, v.Reasons()})
	})
	if err != nil {
		return errors.Join(err, out.Flush())
	}
	total := counts.summary(p)
	if a.flags.Output == "text" {
		return errors.Join(total.print(out), out.Flush())
	}
	return errors.Join(print(map[string]summary{"summary": total}), out.Flush())
}

func words(reasons []devices.Reason) []string {
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = string(r)
	}
	return all
}

// checkSightings returns what is wrong with the first line that is mistaken.
func checkSightings(input io.Reader, seen *progress) error {
	seen.doing = "read"
	subjects := map[string]string{}
	return eachSighting(input, func(n int, l sightingLine) error {
		if err := seen.at(n); err != nil {
			return err
		}
		if owner, known := subjects[l.Grant]; known && owner != l.Subject {
			return fmt.Errorf("line %d: subject: grant %q is of %q on an earlier line", n, l.Grant, owner)
		}
		subjects[l.Grant] = l.Subject
		return nil
	})
}

// maxSighting bounds a line, in bytes.
const maxSighting = 1 << 20

// eachSighting calls fn with every line that is not blank, and its number.
func eachSighting(input io.Reader, fn func(int, sightingLine) error) error {
	lines := bufio.NewScanner(input)
	lines.Buffer(make([]byte, 64<<10), maxSighting)
	n := 0
	for lines.Scan() {
		n++
		text := lines.Bytes()
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		l, err := parseSighting(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := fn(n, l); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d bytes", n+1, maxSighting)
	}
	return lines.Err()
}

// replayable opens a file that can be read twice. What cannot be, such as
// standard input, is copied to a temporary file first, which has no name by
// the time anything is judged.
func (a *app) replayable(name string) (*os.File, error) {
	var source io.Reader = a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read sightings: %w", err)
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, nil
		}
		defer func() { _ = f.Close() }()
		source = f
	}
	kept, err := os.CreateTemp("", "lanyard-sightings-")
	if err != nil {
		return nil, fmt.Errorf("keep sightings: %w", err)
	}
	err = os.Remove(kept.Name())
	if err == nil {
		_, err = io.Copy(kept, source)
	}
	if err == nil {
		_, err = kept.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep sightings: %w", err), kept.Close())
	}
	return kept, nil
}

// progress tells somebody at a terminal how far it is, and ends on an
// interrupt.
type progress struct {
	a     *app
	doing string
	told  time.Time
	shown bool
}

const (
	progressLines = 4096
	progressEvery = time.Second
)

func (p *progress) at(line int) error {
	if line%progressLines != 0 {
		return nil
	}
	if err := p.a.ctx.Err(); err != nil {
		return errors.New("interrupted")
	}
	now := p.a.now()
	if p.told.IsZero() {
		p.told = now
	}
	if now.Sub(p.told) >= progressEvery && terminal(p.a.stderr) && !terminal(p.a.stdout) {
		p.told, p.shown = now, true
		fmt.Fprintf(p.a.stderr, "\r%s %d lines", p.doing, line)
	}
	return nil
}

// end clears the line that it wrote on.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.a.stderr, "\r\x1b[K")
	}
}

// terminal reports whether somebody looks at what is written there.
func terminal(w io.Writer) bool {
	f, is := w.(*os.File)
	if !is {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	nowhere, err := os.Stat(os.DevNull) // which is such a device too
	return err == nil && !os.SameFile(info, nowhere)
}
