package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// registered adds the client that all grants here are of.
func registered(t *testing.T, s Store) {
	t.Helper()
	good(t, s.CreateClient(t.Context(), client("editor")))
}

func clients(t *testing.T, s Store) {
	ctx := t.Context()
	good(t, s.CreateClient(ctx, oauth.Client{ID: "editor", Version: 1}))
	if err := s.CreateClient(ctx, oauth.Client{ID: "editor"}); !errors.Is(err, devices.ErrExists) {
		t.Errorf("the same client again: got %v, want %v", err, devices.ErrExists)
	}
	_, err := s.Client(ctx, "unknown")
	missing(t, "unknown client", err)
	missing(t, "deleting nothing", s.DeleteClient(ctx, "unknown", noon))
	enrolled(t, s, "ada", "laptop")
	code := codeFor(grantOf("ada", "laptop"))
	good(t, s.SaveCode(ctx, code))
	g, service := opened(t, s, "ada", "laptop"), opened(t, s, "editor", "")
	kept := grantOf("ada", "laptop")
	kept.ClientID = "other"
	good(t, s.OpenGrant(ctx, kept))
	good(t, s.PutConsent(ctx, oauth.Consent{Subject: "ada", ClientID: "editor", Scopes: []string{"openid"}}))

	good(t, s.DeleteClient(ctx, "editor", noon))
	_, err = s.Client(ctx, "editor")
	missing(t, "deleted client", err)
	_, err = s.Consent(ctx, "ada", "editor")
	missing(t, "consent to a deleted client", err)
	_, err = s.Code(ctx, code.Hash)
	missing(t, "code for a deleted client", err)
	missing(t, "a grant of a deleted client's own", s.OpenGrant(ctx, grantOf("editor", "")))
	for _, id := range []string{g.ID, service.ID} {
		if holding(t, s, id).RevokedAt.IsZero() {
			t.Error("a grant outlived its client")
		}
	}
	same(t, "another client's grant", holding(t, s, kept.ID), kept)
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	if len(told.Events) != 2 {
		t.Errorf("told %d events of two grants that ended", len(told.Events))
	}
}

// noGrantOnDeleted redeems and opens while the client is deleted: whatever won,
// nothing of the client is alive in the end, and what is told is in order.
func noGrantOnDeleted(t *testing.T, s Store) {
	ctx := t.Context()
	for round := range 30 {
		registered(t, s)
		const subjects = 3
		var grants [subjects]devices.Grant
		var codes [subjects]oauth.Code
		own := grantOf("", "")
		for i := range subjects {
			subject := fmt.Sprint("subject ", round, i)
			enrolled(t, s, subject, subject)
			grants[i] = grantOf(subject, subject)
			codes[i] = codeFor(grants[i])
			good(t, s.SaveCode(ctx, codes[i]))
		}
		at(subjects+2, func(i int) {
			var err error
			switch i {
			case subjects:
				err = s.DeleteClient(ctx, "editor", noon)
			case subjects + 1:
				if err = s.OpenGrant(ctx, own); errors.Is(err, devices.ErrNotFound) {
					err = nil
				}
			default:
				created := devices.Event{ID: rand.Text(), Type: devices.EventGrantCreated, Subject: grants[i].Subject, GrantID: grants[i].ID}
				_, err = s.Redeem(ctx, codes[i].Hash, grants[i], client("editor"), []devices.Event{created})
			}
			if err != nil {
				t.Error(err)
			}
		})
		left, err := s.FindGrants(ctx, devices.GrantQuery{ClientID: "editor", Page: devices.Page{Limit: 500}})
		good(t, err)
		for _, g := range left {
			if g.RevokedAt.IsZero() {
				t.Fatalf("grant %s outlived its client", g.ID)
			}
		}
	}
	created := map[string]bool{}
	for after := ""; ; {
		told, err := s.EventsAfter(ctx, after, 0)
		good(t, err)
		for _, e := range told.Events {
			if e.Type == devices.EventGrantCreated {
				created[e.GrantID] = true
			} else if e.Subject != "" && !created[e.GrantID] {
				t.Errorf("%s of grant %s before it was created", e.Type, e.GrantID)
			}
		}
		if len(told.Events) == 0 {
			break
		}
		after = told.Next
	}
	if len(created) == 0 {
		t.Error("no redemption was ever faster than the deletion")
	}
}
