package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard/store"
)

type migrateCmd struct {
	Up     migrateUp     `cmd:"" help:"Take the steps that the schema lacks. Safe from several replicas at once."`
	Down   migrateDown   `cmd:"" help:"Undo the steps of the last \"migrate up\", with everything they held. Asks first."`
	Status migrateStatus `cmd:"" help:"Show which steps have been taken."`
}

type migrateUp struct{}

// Run takes the missing steps.
func (*migrateUp) Run(a *app) error { return a.migrate(store.MigrateUp, "took") }

type migrateDown struct {
	Yes bool `help:"Do not ask."`
}

// Run undoes the last steps, with everything they held.
func (c *migrateDown) Run(a *app) error {
	config, err := a.config()
	if err != nil {
		return err
	}
	err = a.confirm(c.Yes, fmt.Sprintf("This drops the tables that the last \"migrate up\" made in %s, "+
		"with everything in them: after a first one, that is everything.", config.Database.URL))
	if err != nil {
		return err
	}
	return a.migrate(store.MigrateDown, "undid")
}

func (a *app) migrate(move func(context.Context, string) ([]string, error), verb string) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	steps, err := move(a.ctx, c.Database.URL.Reveal())
	if err != nil {
		return err
	}
	if steps == nil {
		steps = []string{}
	}
	if len(steps) == 0 {
		return a.say(steps, "nothing to do")
	}
	rows := make([]row, len(steps))
	for i, step := range steps {
		rows[i] = row{verb, step}
	}
	return a.print(steps, nil, rows...)
}

type migrateStatus struct{}

// step is a step of the schema as it is printed.
type step struct {
	Name      string    `json:"name"`
	State     string    `json:"state"` // applied, pending or unknown
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// Run prints the steps. Pending ones are no error.
func (*migrateStatus) Run(a *app) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	known, err := store.MigrateStatus(a.ctx, c.Database.URL.Reveal())
	if err != nil {
		return err
	}
	steps, rows := make([]step, len(known)), make([]row, len(known))
	for i, s := range known {
		steps[i] = step{Name: s.Name, State: "applied", AppliedAt: s.AppliedAt}
		switch {
		case s.Unknown:
			steps[i].State = "unknown"
		case s.AppliedAt.IsZero():
			steps[i].State = "pending"
		}
		rows[i] = row{s.Name, steps[i].State, stamp(s.AppliedAt)}
	}
	return a.print(steps, row{"STEP", "STATE", "APPLIED"}, rows...)
}
