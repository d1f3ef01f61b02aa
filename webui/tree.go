package webui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Tree is a grant as a family tree: a trunk of refreshes, with what went off
// to the side.
type Tree struct {
	Client string
	Scopes string
	Live   bool
	Nodes  []Node
}

// Node is a place in a tree. Its shape is one of root, run, lost, doubt, fork,
// live and end.
type Node struct {
	Shape string
	Text  string
	When  Stamp
	// Until is when it ends by itself, between the text and the rest of it.
	Until Stamp
	Rest  string
	First bool
	Last  bool

	at time.Time
}

// Tree draws a grant as it is now: where it began, how often it was renewed, what happened
// to it, and how it stands.
func (l *Locale) Tree(g records.Grant, history []devices.Judgment, now time.Time) Tree {
	t := Tree{
		Client: Cut(cmp.Or(g.ClientName, g.ClientID), 60), Scopes: Cut(strings.Join(g.Scopes, " "), 200),
		Live: g.Live(now),
	}
	began := l.T("Signed in")
	if g.Consented {
		began = l.T("Access granted")
	}
	t.add("root", g.CreatedAt, began)
	if runs := g.Generation - 1; runs > 0 {
		t.add("run", g.RotatedAt, l.T("Used %d times", int(runs)))
	}
	for _, j := range history {
		if j.GrantID != g.ID {
			continue
		}
		t.add(l.branch(j))
	}
	slices.SortStableFunc(t.Nodes, func(a, b Node) int { return a.at.Compare(b.at) })
	switch {
	case !g.RevokedAt.IsZero():
		t.add("end", g.RevokedAt, l.T("Access ended: %s", l.why(g.RevokedReason)))
	case t.Live && g.NotAfter.IsZero():
		t.add("live", time.Time{}, l.T("Active"))
	case t.Live:
		// Where the time goes, the language says.
		before, after, _ := strings.Cut(l.T("Expires %s", "\x00"), "\x00")
		t.add("live", time.Time{}, before)
		last := &t.Nodes[len(t.Nodes)-1]
		last.Until, last.Rest = l.Until(g.NotAfter, now), after
	default:
		t.add("end", ended(g.Grant), l.T("Access ended: %s", l.why(devices.ReasonExpired)))
	}
	for i := range t.Nodes {
		t.Nodes[i].When = l.Stamp(t.Nodes[i].at, now)
		t.Nodes[i].First, t.Nodes[i].Last = i == 0, i == len(t.Nodes)-1
	}
	return t
}

func (t *Tree) add(shape string, at time.Time, text string) {
	t.Nodes = append(t.Nodes, Node{Shape: shape, Text: text, at: at})
}

// branch returns what a judgment is in the tree of its grant.
func (l *Locale) branch(j devices.Judgment) (shape string, at time.Time, text string) {
	seen := isolated(l.Looks(j.Sighting.Fingerprint))
	at = j.Sighting.At
	switch {
	case j.Verdict.Err() != nil && has(j.Verdict, devices.ReasonReuse):
		return "fork", at, l.T("A copied token was used: %s", seen)
	case j.Verdict.Err() != nil:
		return "fork", at, l.T("Refused: %s", seen)
	case has(j.Verdict, devices.ReasonResponseLost):
		return "lost", at, l.T("Repeated after a network problem")
	default:
		return "doubt", at, l.T("Allowed, but unusual: %s", seen)
	}
}

// ended returns when a grant that was not revoked came to its end.
func ended(g devices.Grant) time.Time {
	if g.IdleUntil.IsZero() || !g.NotAfter.IsZero() && g.NotAfter.Before(g.IdleUntil) {
		return g.NotAfter
	}
	return g.IdleUntil
}
