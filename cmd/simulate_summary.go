package cmd

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/lanyard-id/lanyard/devices"
)

// tally counts verdicts, and where labels are given, how right they were.
type tally struct {
	lines    int
	verdicts [devices.Allow + 1]int
	labelled bool
	theft    counted // lines of the thief
	legit    counted // lines of the owner, before any theft of the grant
	after    int     // lines of the owner, afterwards
	grants   map[string]*grantTally
}

// counted is how many there were, and how many by their verdict.
type counted struct {
	all int
	by  [devices.Allow + 1]int
}

func (c *counted) add(d devices.Decision) {
	c.all++
	c.by[d]++
}

// atLeast returns how many had that verdict or a harsher one.
func (c counted) atLeast(d devices.Decision) int {
	n := 0
	for harsher := devices.Refuse; harsher <= d; harsher++ {
		n += c.by[harsher]
	}
	return n
}

// grantTally is the harshest verdicts on a grant: before a theft on the owner,
// and from the theft on on whoever came.
type grantTally struct {
	honest, stolen bool
	before, since  devices.Decision
}

func newTally() *tally { return &tally{grants: map[string]*grantTally{}} }

func (t *tally) add(l sightingLine, d devices.Decision) {
	t.lines++
	t.verdicts[d]++
	g := t.grants[l.Grant]
	if g == nil {
		g = &grantTally{before: devices.Allow, since: devices.Allow}
		t.grants[l.Grant] = g
	}
	t.labelled = t.labelled || l.Label != ""
	switch {
	case l.Label == labelTheft:
		g.stolen = true
		t.theft.add(d)
	case l.Label == labelLegit && g.stolen:
		t.after++
	case l.Label == labelLegit:
		g.honest, g.before = true, min(g.before, d)
		t.legit.add(d)
	}
	if g.stolen {
		g.since = min(g.since, d)
	}
}

// summary is what a simulation came to.
type summary struct {
	Lines    int            `json:"lines"`
	Grants   int            `json:"grants"`
	Policy   string         `json:"policy_version"`
	Mode     devices.Mode   `json:"mode"`
	Verdicts map[string]int `json:"verdicts"`
	// PerLine and PerGrant are there where labels are given.
	PerLine  *score `json:"per_line,omitempty"`
	PerGrant *score `json:"per_grant,omitempty"`
}

// score is how many of those that were stolen were found, and how many of the
// honest ones were suspected, at each level: that verdict or a harsher one.
type score struct {
	Theft      int `json:"theft"`
	Legit      int `json:"legit"`
	AfterTheft int `json:"legit_after_theft,omitempty"` // in neither
	Flag       hit `json:"flag"`
	StepUp     hit `json:"step_up"`
	Refuse     hit `json:"refuse"`
}

type hit struct {
	Detected    int `json:"detected"`
	FalseAlarms int `json:"false_alarms"`
	// The rates are null where there was nothing to find, or to suspect.
	Detection      *float64 `json:"detection"`
	FalseAlarmRate *float64 `json:"false_alarm_rate"`
}

func (t *tally) summary(p devices.Policy) summary {
	s := summary{
		Lines: t.lines, Grants: len(t.grants), Policy: p.Version, Mode: p.Mode, Verdicts: map[string]int{},
	}
	for d, n := range t.verdicts {
		s.Verdicts[devices.Decision(d).String()] = n
	}
	if !t.labelled {
		return s
	}
	s.PerLine = scored(t.theft, t.legit)
	s.PerLine.AfterTheft = t.after
	var stolen, honest counted
	for _, g := range t.grants {
		if g.stolen {
			stolen.add(g.since)
		}
		if g.honest {
			honest.add(g.before)
		}
	}
	s.PerGrant = scored(stolen, honest)
	return s
}

func scored(theft, legit counted) *score {
	level := func(d devices.Decision) hit {
		h := hit{Detected: theft.atLeast(d), FalseAlarms: legit.atLeast(d)}
		h.Detection, h.FalseAlarmRate = rate(h.Detected, theft.all), rate(h.FalseAlarms, legit.all)
		return h
	}
	return &score{
		Theft: theft.all, Legit: legit.all,
		Flag: level(devices.Flag), StepUp: level(devices.StepUp), Refuse: level(devices.Refuse),
	}
}

func rate(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	r := float64(n) / float64(of)
	return &r
}

// print writes the summary for people.
func (s summary) print(to io.Writer) error {
	fmt.Fprintf(to, "\n%d lines of %d grants, policy %s, mode %s\n", s.Lines, s.Grants, s.Policy, s.Mode)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, d := range slices.Backward([]devices.Decision{devices.Refuse, devices.StepUp, devices.Flag, devices.Allow}) {
		fmt.Fprintf(w, "  %s\t%d\n", d, s.Verdicts[d.String()])
	}
	for _, part := range []struct {
		of string
		*score
	}{{"lines", s.PerLine}, {"grants", s.PerGrant}} {
		if part.score == nil {
			continue
		}
		fmt.Fprintf(w, "\n%s\tDETECTED\tFALSE ALARMS\n", part.of)
		for _, level := range []struct {
			name string
			hit
		}{{"flag", part.Flag}, {"step_up", part.StepUp}, {"refuse", part.Refuse}} {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", level.name,
				share(level.Detected, part.Theft), share(level.FalseAlarms, part.Legit))
		}
		if part.AfterTheft > 0 {
			fmt.Fprintf(w, "  (%d lines of owners after a theft are in neither)\n", part.AfterTheft)
		}
	}
	return w.Flush()
}

func share(n, of int) string {
	if of == 0 {
		return "none to find"
	}
	return fmt.Sprintf("%d of %d (%.1f%%)", n, of, 100*float64(n)/float64(of))
}
