package api

import (
	"context"
	"regexp"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Judgment is one look at a device and what was made of it.
type Judgment struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Entrance string    `json:"entrance" doc:"Where it showed itself: provider, kratos, hydra, gateway, webui or api."`
	Decision string    `json:"decision" enum:"allow,flag,step_up,refuse"`
	// Would differs from Decision where the policy only observes or flags.
	Would         string     `json:"would" enum:"allow,flag,step_up,refuse" doc:"What enforcing would have decided."`
	Reasons       []string   `json:"reasons" nullable:"false"`
	Evidence      []Evidence `json:"evidence" nullable:"false"`
	Weight        int        `json:"weight" doc:"The sum of the evidence, in decibans."`
	PolicyVersion string     `json:"policy_version"`
	ClientID      string     `json:"client_id" doc:"Empty at sign-in."`
	GrantID       string     `json:"grant_id" doc:"Empty at sign-in."`
	Looks         Looks      `json:"looks" doc:"What it looked like."`
	IP            string     `json:"ip"`
	Country       string     `json:"country"`
	City          string     `json:"city"`
}

// Evidence is one thing that spoke against a sighting.
type Evidence struct {
	Reason string `json:"reason"`
	Before string `json:"before"`
	After  string `json:"after"`
	Weight int    `json:"weight" doc:"Ten times the decimal logarithm of how much likelier it is under theft."`
	Final  bool   `json:"final" doc:"Whether it decided by itself."`
}

// Looks is what a device looked like once.
type Looks struct {
	Label   string  `json:"label" example:"Chrome on Windows"`
	OS      Product `json:"os"`
	Browser Product `json:"browser"`
	Kind    string  `json:"kind" enum:"desktop,phone,tablet,tv,bot,app,other"`
	Brand   string  `json:"brand"`
	Model   string  `json:"model"`
}

func judgmentOf(j devices.Judgment) Judgment {
	s, v := j.Sighting, j.Verdict
	shown := Judgment{
		ID: j.ID, At: s.At.UTC(), Entrance: string(s.Entrance),
		Decision: v.Decision.String(), Would: v.Would.String(), Reasons: codes(v.Reasons()),
		Evidence: make([]Evidence, 0, len(v.Evidence)), Weight: v.Weight,
		PolicyVersion: v.PolicyVersion, ClientID: j.ClientID, GrantID: j.GrantID,
		Looks: Looks{
			Label: s.Fingerprint.Describe(), OS: osOf(s.Fingerprint), Browser: browserOf(s.Fingerprint),
			Kind:  kindOf(s.Fingerprint),
			Brand: s.Fingerprint[devices.SignalBrand], Model: s.Fingerprint[devices.SignalModel],
		},
		IP: address(s.Network.Addr), Country: s.Network.Country, City: s.Network.City,
	}
	for _, e := range v.Evidence {
		shown.Evidence = append(shown.Evidence, Evidence{
			Reason: string(e.Reason), Before: e.Before, After: e.After, Weight: e.Weight, Final: e.Final,
		})
	}
	return shown
}

func codes(reasons []devices.Reason) []string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = string(r)
	}
	return texts
}

// History is a part of a device's judgments, newest first.
type History struct {
	Judgments []Judgment `json:"judgments" nullable:"false"`
	Next      string     `json:"next" doc:"What to send as after for the next part. Empty at the end."`
}

// historyInput is a request for a part of a history.
type historyInput struct {
	ByID
	After string `query:"after" pattern:"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" patternDescription:"UUID" doc:"The next of the part before."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type historyOutput struct{ Body History }

// history returns the part that the request asks for. One more is read than
// is shown, to know whether there is more.
func history(
	ctx context.Context, in *historyInput,
	read func(ctx context.Context, p devices.Page) ([]devices.Judgment, error),
) (*historyOutput, error) {
	judgments, err := read(ctx, devices.Page{After: in.After, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	judgments, next := cut(judgments, in.Limit, func(j devices.Judgment) string { return j.ID })
	out := &historyOutput{History{Judgments: make([]Judgment, 0, len(judgments)), Next: next}}
	for _, j := range judgments {
		out.Body.Judgments = append(out.Body.Judgments, judgmentOf(j))
	}
	return out, nil
}

// cut shortens a list to a part, and returns the cursor of the next part if
// there is one.
func cut[T any](list []T, limit int, id func(T) string) (part []T, next string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], id(list[limit-1])
}

// ByID is a request about one thing. It is exported because huma looks into
// exported embedded types only.
type ByID struct {
	ID string `path:"id" doc:"A UUID."`
}

var canonicalUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// nobody is the id of nothing.
const nobody = "00000000-0000-0000-0000-000000000000"

// known returns the id, or that of nothing where it cannot be one: it is then
// answered like any unknown one, and the database never sees it.
func (in ByID) known() string {
	if canonicalUUID.MatchString(in.ID) {
		return in.ID
	}
	return nobody
}
