package webui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// tree is a grant as a family tree: a trunk of refreshes, with what went off
// to the side.
type tree struct {
	Client string
	Scopes string
	Live   bool
	Nodes  []node
}

// node is a place in a tree. Its shape is one of root, run, lost, doubt, fork,
// live and end.
type node struct {
	Shape string
	Text  string
	When  stamp
	First bool
	Last  bool

	at time.Time
}

// tree draws a grant: where it began, how often it was renewed, what happened
// to it, and how it stands.
func (v *visit) tree(g records.Grant, history []devices.Judgment) tree {
	t := tree{
		Client: cut(cmp.Or(g.ClientName, g.ClientID), 60), Scopes: cut(strings.Join(g.Scopes, " "), 200),
		Live: g.Live(v.now),
	}
	t.add("root", g.CreatedAt, v.T("You let it in"))
	if runs := g.Generation - 1; runs > 0 {
		t.add("run", g.RotatedAt, v.T("Renewed %d times", int(runs)))
	}
	for _, j := range history {
		if j.GrantID != g.ID {
			continue
		}
		t.add(v.branch(j))
	}
	slices.SortStableFunc(t.Nodes, func(a, b node) int { return a.at.Compare(b.at) })
	switch {
	case !g.RevokedAt.IsZero():
		t.add("end", g.RevokedAt, v.T("Ended: %s", v.why(g.RevokedReason)))
	case t.Live && g.NotAfter.IsZero():
		t.add("live", time.Time{}, v.T("In use"))
	case t.Live:
		t.add("live", time.Time{}, v.T("In use, until %s at the latest", v.absolute(g.NotAfter).Text))
	default:
		t.add("end", ended(g.Grant), v.T("Ended: %s", v.why(devices.ReasonExpired)))
	}
	for i := range t.Nodes {
		t.Nodes[i].When = v.stamp(t.Nodes[i].at, v.now)
		t.Nodes[i].First, t.Nodes[i].Last = i == 0, i == len(t.Nodes)-1
	}
	return t
}

func (t *tree) add(shape string, at time.Time, text string) {
	t.Nodes = append(t.Nodes, node{Shape: shape, Text: text, at: at})
}

// branch returns what a judgment is in the tree of its grant.
func (v *visit) branch(j devices.Judgment) (shape string, at time.Time, text string) {
	seen := isolated(v.looks(j.Sighting.Fingerprint))
	at = j.Sighting.At
	switch {
	case j.Verdict.Err() != nil && has(j.Verdict, devices.ReasonReuse):
		return "fork", at, v.T("A copy was used, by %s", seen)
	case j.Verdict.Err() != nil:
		return "fork", at, v.T("Refused: %s", seen)
	case has(j.Verdict, devices.ReasonResponseLost):
		return "lost", at, v.T("An answer was lost and sent again")
	default:
		return "doubt", at, v.T("Let through with a doubt: %s", seen)
	}
}

// ended returns when a grant that was not revoked came to its end.
func ended(g devices.Grant) time.Time {
	if g.IdleUntil.IsZero() || !g.NotAfter.IsZero() && g.NotAfter.Before(g.IdleUntil) {
		return g.NotAfter
	}
	return g.IdleUntil
}
