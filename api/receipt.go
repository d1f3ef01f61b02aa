package api

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Outward tells what is being ended at other servers.
type Outward interface {
	// Legs returns what is being ended elsewhere for a device, oldest first.
	Legs(ctx context.Context, deviceID string) ([]devices.Leg, error)
}

// Receipt is what became of an ended device: here at once, elsewhere leg by
// leg.
type Receipt struct {
	DeviceID  string    `json:"device_id"`
	State     string    `json:"state" enum:"active,flagged,revoked"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	// Complete is true once nothing is left to be confirmed.
	Complete bool  `json:"complete" doc:"Whether every leg is settled."`
	Legs     []Leg `json:"legs" nullable:"false"`
	// Until is when the last token that is checked offline has died.
	Until time.Time `json:"until,omitzero" doc:"Until when a token that is checked offline may live on."`
}

// Leg is one thing that is ended at another server.
type Leg struct {
	Kind     string    `json:"kind" enum:"hydra_chain,hydra_consent,hydra_login,kratos_session,kratos_new"`
	State    string    `json:"state" enum:"pending,done,held" doc:"held: the server cannot end it, or did not confirm that it knew it (trouble hydra_did_not_confirm). It is refused here from now on; access tokens may work until the time in until."`
	ClientID string    `json:"client_id,omitempty"`
	GrantID  string    `json:"grant_id,omitempty"`
	Attempts int       `json:"attempts"`
	Trouble  string    `json:"trouble,omitempty" doc:"A code for why it is not done."`
	At       time.Time `json:"at" doc:"When it was begun."`
	DoneAt   time.Time `json:"done_at,omitzero"`
	Until    time.Time `json:"until,omitzero" doc:"When what is left has died by itself."`
}

type receiptOutput struct{ Body Receipt }

// receiptOf tells of a device.
func receiptOf(ctx context.Context, o Outward, d devices.Device) (*receiptOutput, error) {
	legs, err := o.Legs(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	r := Receipt{
		DeviceID: d.ID, State: string(d.State), RevokedAt: d.RevokedAt.UTC(),
		Complete: !d.Live(), Legs: make([]Leg, 0, len(legs)),
	}
	for _, l := range legs {
		r.Complete = r.Complete && l.State != devices.LegPending
		if l.Until.After(r.Until) {
			r.Until = l.Until
		}
		r.Legs = append(r.Legs, Leg{
			Kind: string(l.Kind), State: string(l.State), ClientID: l.ClientID, GrantID: l.GrantID,
			Attempts: l.Attempts, Trouble: l.Trouble, At: l.CreatedAt, DoneAt: l.DoneAt, Until: l.Until,
		})
	}
	return &receiptOutput{r}, nil
}

// receipt is the owner's.
func (a *deviceAPI) receipt(ctx context.Context, in *ByID) (*receiptOutput, error) {
	all, err := a.registry.List(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.ID == in.known() {
			return receiptOf(ctx, a.outward, d)
		}
	}
	return nil, devices.ErrNotFound
}

// receipt is the operator's.
func (a *Admin) receipt(ctx context.Context, in *ByID) (*receiptOutput, error) {
	d, err := a.finder.DeviceByID(ctx, in.known())
	if err != nil {
		return nil, err
	}
	return receiptOf(ctx, a.finder, d)
}
