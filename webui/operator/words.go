package operator

import (
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/records"
)

// states are the states of a device, in the order in which they are offered.
func states() []devices.State {
	return []devices.State{devices.StateActive, devices.StateFlagged, devices.StateRevoked}
}

func stateWord(l *webui.Locale, s devices.State) string {
	words := map[devices.State]string{
		devices.StateActive: "Active", devices.StateFlagged: "Flagged", devices.StateRevoked: "Signed out",
	}
	return word(l, words[s], string(s))
}

// decisions are the decisions by their stable names, the worst one first.
func decisions() []string {
	return []string{devices.Refuse.String(), devices.StepUp.String(), devices.Flag.String(), devices.Allow.String()}
}

func decisionWord(l *webui.Locale, decision string) string {
	words := map[string]string{
		devices.Refuse.String(): "Refused", devices.StepUp.String(): "Asked to sign in again",
		devices.Flag.String(): "Flagged", devices.Allow.String(): "Allowed",
	}
	return word(l, words[decision], decision)
}

// unanswered is the outcome of a doubt of which nobody has said anything.
const unanswered = "open"

func outcomes() []string {
	return []string{string(records.OutcomeFalseAlarm), string(records.OutcomeConfirmed), unanswered}
}

func outcomeWord(l *webui.Locale, outcome string) string {
	words := map[string]string{
		string(records.OutcomeFalseAlarm): "False alarm", string(records.OutcomeConfirmed): "Confirmed",
		unanswered: "Not answered",
	}
	return word(l, words[outcome], outcome)
}

// word returns a text in the reader's language; a code that has none tells
// itself.
func word(l *webui.Locale, text, code string) string {
	if text == "" {
		return code
	}
	return l.T(text)
}
