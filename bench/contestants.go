package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

// grantID returns the ID of a prepared grant. Workers have grants of their
// own: a client presents its tokens one after the other.
func grantID(of string, n int) string {
	return fmt.Sprintf("00000000-0000-4000-8%03x-%012x", len(of), n)
}

// floor is one bare update of one row, by its key, with a commit.
func floor(db *sql.DB, grants int) contestant {
	return contestant{"bare UPDATE (floor)", func(n int) (func(context.Context) error, error) {
		i := 0
		return func(ctx context.Context) error {
			i++
			_, err := db.ExecContext(ctx,
				`UPDATE grants SET generation = generation + 1, rotated_at = $2 WHERE id = $1`,
				pgx.QueryExecModeCacheStatement, grantID("floor", (n+16*i)%grants), time.Now().UnixMicro())
			return err
		}, nil
	}}
}

// admitted is the share of a refresh behind the door: the grant found, judged
// and moved on, plainly allowed. It is read each time where recent is nil.
func admitted(db *store.Store, grants int, recent *devices.Recent) contestant {
	of, name := "read", "admit: read, write"
	if recent != nil {
		of, name = "remembered", "admit: write"
	}
	gate := &devices.Gatekeeper{
		Registry: &devices.Registry{Store: db, Policy: devices.DefaultPolicy(), Now: time.Now},
		Grants:   db, Grace: 10 * time.Second, Recent: recent,
	}
	generations := make([]int64, grants) // each is one worker's
	return contestant{name, func(n int) (func(context.Context) error, error) {
		i := 0
		return func(ctx context.Context) error {
			i++
			at := (n + 16*i) % grants
			generation := generations[at] + 1
			h, err := gate.Holding(ctx, grantID(of, at), generation)
			if err != nil {
				return err
			}
			a, err := gate.Admit(ctx, devices.Presented{
				Holding: h, Generation: generation, Binding: devices.BindingObserved, Rotates: true,
				Sighting: devices.Sighting{At: time.Now(), Fingerprint: looks()}, IdleFor: 720 * time.Hour,
			})
			if err == nil && a.Grant.Generation != generation+1 {
				return errLost
			}
			generations[at]++
			return errors.Join(err, a.Verdict.Err())
		}, nil
	}}
}

var errLost = errors.New("a rotation without a rival was lost")

// looks is what a laptop tells, time after time.
func looks() devices.Fingerprint {
	return devices.Fingerprint{
		devices.SignalOS: "Windows", devices.SignalBrowser: "Chrome", devices.SignalBrowserVersion: "142",
		devices.SignalClass: "desktop", devices.SignalLanguage: "en",
	}
}

// prepare opens the grants that floor and store move, and lets PostgreSQL
// begin with a clean table.
func prepare(ctx context.Context, bare *sql.DB, db *store.Store, grants int) error {
	like, err := db.Clients(ctx, devices.Page{})
	if err != nil || len(like) == 0 {
		return errors.Join(err, errors.New("no client"))
	}
	for n := range grants {
		for _, of := range []string{"floor", "read", "remembered"} {
			if err := db.OpenGrant(ctx, preparedGrant(grantID(of, n), like[0])); err != nil {
				return err
			}
		}
	}
	_, err = bare.ExecContext(ctx, "VACUUM ANALYZE grants")
	return err
}

// preparedGrant returns a grant as wide as one of a real sign-in.
func preparedGrant(id string, c oauth.Client) devices.Grant {
	now := time.Now()
	return devices.Grant{
		ID: id, Subject: "bench", ClientID: c.ID, DeviceID: "", SID: id, Offline: true,
		Scopes: []string{"openid", "offline_access"}, Secret: make([]byte, 32),
		Session:    []byte(`{"auth_time":"2026-11-23T09:00:00Z","acr":"1","amr":["pwd"]}`),
		Baseline:   &devices.Baseline{Fingerprint: looks()},
		Generation: 1, RotatedAt: now, IdleUntil: now.Add(720 * time.Hour), NotAfter: now.Add(2160 * time.Hour),
		Version: 1, CreatedAt: now,
	}
}
