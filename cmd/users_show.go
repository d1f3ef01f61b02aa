package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
)

type usersShow struct{ who }

// shownUser is a user with what they have.
type shownUser struct {
	user
	Devices int `json:"devices"` // live ones
	Ended   int `json:"ended_devices"`
	Grants  int `json:"grants"` // live ones
}

// Run prints the user.
func (c *usersShow) Run(a *app) error {
	return a.withStore(func(config Config, s *store.Store) error {
		u, err := c.find(a, config, s)
		if err != nil {
			return err
		}
		shown := shownUser{user: userOf(u)}
		known, err := s.Devices(a.ctx, u.Subject)
		if err != nil {
			return err
		}
		for _, d := range known {
			if d.Live() {
				shown.Devices++
			} else {
				shown.Ended++
			}
		}
		if shown.Grants, err = a.liveGrants(s, u.Subject); err != nil {
			return err
		}
		return a.print(shown, nil, describeUser(shown)...)
	})
}

// liveGrants counts the grants of a subject that still yield tokens.
func (a *app) liveGrants(s *store.Store, subject string) (int, error) {
	live, now := 0, a.now()
	over := func(end time.Time) bool { return !end.IsZero() && !now.Before(end) }
	query := devices.GrantQuery{Subject: subject, Page: devices.Page{Limit: 500}}
	for {
		part, err := s.FindGrants(a.ctx, query)
		if err != nil {
			return 0, err
		}
		for _, g := range part {
			if g.RevokedAt.IsZero() && !over(g.NotAfter) && !over(g.IdleUntil) {
				live++
			}
		}
		if len(part) < query.Limit {
			return live, nil
		}
		query.After = part[len(part)-1].ID
	}
}

func describeUser(u shownUser) []row {
	state := "active"
	if u.Disabled {
		state = "disabled"
	}
	rows := []row{
		{"subject", u.Subject}, {"identifier", u.Identifier}, {"state", state},
		{"created", stamp(u.CreatedAt)}, {"changed", stamp(u.UpdatedAt)},
		{"devices", fmt.Sprintf("%d live, %d ended", u.Devices, u.Ended)},
		{"grants", fmt.Sprintf("%d live", u.Grants)},
	}
	for _, name := range slices.Sorted(maps.Keys(u.Claims)) {
		value, isText := u.Claims[name].(string)
		if !isText {
			text, _ := json.Marshal(u.Claims[name]) // it came out of JSON
			value = string(text)
		}
		rows = append(rows, row{"claim " + name, value})
	}
	return rows
}
