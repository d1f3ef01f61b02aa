package webui

import (
	"maps"

	"github.com/lanyard-id/lanyard/devices"
)

// tone is how a line of the history sounds.
type tone string

const (
	toneGood tone = "good"
	toneWarn tone = "warn"
	toneBad  tone = "bad"
)

// line is a judgment in plain language.
type line struct {
	ID    string
	Tone  tone
	Word  string // the decision
	Text  string
	New   string // that the place is new, where it is
	Where string
	When  Stamp
	// Details are the pieces of evidence, before and after.
	Details []detail
	NotMe   bool // the owner may say that it was not them
}

// detail is one piece of evidence.
type detail struct{ What, Before, After string }

// told is what a page knows of a judgment beyond it.
type told struct {
	client string // its name; empty at a sign-in
	first  bool   // it is the device's first
	// known is what the grant looks like, where that is at hand.
	known devices.Fingerprint
}

// explain returns a judgment in plain language.
func (l *Locale) explain(j devices.Judgment, about told) line {
	out := line{ID: j.ID, Where: l.where(j.Sighting.Network), Text: l.sentence(j, about), NotMe: true}
	switch j.Verdict.Decision {
	case devices.Allow:
		out.Tone, out.Word = toneGood, l.T("Allowed")
	case devices.Flag:
		out.Tone, out.Word = toneWarn, l.T("Allowed, but unusual")
	case devices.StepUp, devices.Refuse:
		out.Tone, out.Word = toneBad, l.T("Refused")
	}
	for _, e := range j.Verdict.Evidence {
		one := detail{l.why(e.Reason), e.Before, e.After}
		if e.Reason == devices.ReasonNewCountry {
			one.Before, one.After = l.country(e.Before), l.country(e.After)
		}
		out.Details = append(out.Details, one)
	}
	if has(j.Verdict, devices.ReasonNewCountry) || has(j.Verdict, devices.ReasonTravel) {
		out.New = l.T("New place")
	}
	return out
}

// sentence says what happened. It names what was seen and what was expected,
// which is the whole of most refusals.
func (l *Locale) sentence(j devices.Judgment, about told) string {
	v, client, first := j.Verdict, isolated(about.client), about.first
	seen := isolated(l.Looks(j.Sighting.Fingerprint))
	if about.known == nil {
		about.known = expected(j)
	}
	known := isolated(l.Looks(about.known))
	refused := v.Err() != nil
	switch {
	case j.GrantID == "" && first && !refused:
		return l.T("First sign-in from %s.", seen)
	case j.GrantID == "" && !refused:
		return l.T("Sign-in from %s.", seen)
	case j.GrantID == "":
		return l.T("A copy of this device’s sign-in was used from %s and was refused.", seen)
	case has(v, devices.ReasonGatewayBypassed):
		return l.T("A request by %s bypassed the gateway, so its device could not be checked.", client)
	case has(v, devices.ReasonKeyMissing), has(v, devices.ReasonKeyMismatch):
		return l.T("Access for %[1]s was used from %[2]s without its key.", client, seen)
	case has(v, devices.ReasonReuse) && len(v.Evidence) > 1:
		return l.T("A copied token for %[1]s was used from %[2]s. The access belonged to %[3]s and was removed.",
			client, seen, known)
	case has(v, devices.ReasonReuse):
		return l.T("A copied token for %s was used, so the access was removed.", client)
	case has(v, devices.ReasonResponseLost) && !refused:
		return l.T("%s repeated a request after a network problem.", client)
	case seen != known && (!refused || len(v.Evidence) > 0):
		return l.T("Access for %[1]s was used from %[2]s, but belongs to %[3]s.", client, seen, known)
	default:
		return l.T("Access for %[1]s was used from %[2]s.", client, seen)
	}
}

func has(v devices.Verdict, r devices.Reason) bool {
	for _, e := range v.Evidence {
		if e.Reason == r {
			return true
		}
	}
	return false
}

// expected returns what the sighting should have looked like: what was seen,
// with what the evidence says was there before.
func expected(j devices.Judgment) devices.Fingerprint {
	known := maps.Clone(j.Sighting.Fingerprint)
	if known == nil {
		known = devices.Fingerprint{}
	}
	for _, e := range j.Verdict.Evidence {
		if e.Reason == devices.ReasonOSChanged {
			known[devices.SignalOS], known[devices.SignalOSVersion], known[devices.SignalModel] = e.Before, "", ""
		}
	}
	for _, e := range j.Verdict.Evidence {
		if e.Reason == devices.ReasonBrowserChanged {
			known[devices.SignalBrowser] = e.Before
		}
		if e.Reason == devices.ReasonModelChanged {
			known[devices.SignalModel] = e.Before
		}
	}
	return known
}
