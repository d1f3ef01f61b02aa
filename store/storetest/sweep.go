package storetest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

func swept(t *testing.T, s Store) {
	ctx := t.Context()
	day := 24 * time.Hour
	registered(t, s)
	enrolled(t, s, "ada", "idle")
	used := enrolled(t, s, "ada", "used")
	g := opened(t, s, "ada", "used")
	r := next(g)
	r.At, r.IdleUntil = noon.Add(29*day+time.Hour), noon.Add(60*day)
	if moved, err := s.Rotate(ctx, r); !moved || err != nil {
		t.Fatal(moved, err)
	}
	in := signedIn(t, s, "ada", "used")
	service := grantOf("editor", "")
	service.NotAfter = noon.Add(time.Hour)
	good(t, s.OpenGrant(ctx, service))
	code := codeFor(g)
	good(t, s.SaveCode(ctx, code))
	good(t, s.UseAssertion(ctx, "editor", "jti", noon.Add(time.Minute)))
	good(t, s.PutKey(ctx, oauth.Key{ID: "retired", RetiredAt: noon}))
	good(t, s.PutKey(ctx, oauth.Key{ID: "in force"}))
	judged := func(id string, at time.Time) devices.Judgment {
		return devices.Judgment{ID: id, Subject: "ada", DeviceID: "used", Sighting: devices.Sighting{At: at, Network: used.Last}}
	}
	old, recent := judged("old", noon), judged("recent", noon.Add(28*day))
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error {
		return errors.Join(tx.Record(ctx, old), tx.Record(ctx, recent), tx.Record(ctx, judged("new", noon.Add(30*day))),
			tx.Tell(ctx, devices.Event{ID: "old", At: noon, Subject: "ada"}, devices.Event{ID: "new", At: noon.Add(30 * day), Subject: "ada"}))
	}))

	good(t, s.Sweep(ctx, noon.Add(30*day), store.Retention{})) // keeps what has no end
	for _, id := range []string{"idle", "used"} {
		d, err := s.DeviceByID(ctx, id)
		good(t, err)
		same(t, id+" networks", []devices.Network{d.First, d.Last}, []devices.Network{used.First, used.Last})
	}
	good(t, s.UseAssertion(ctx, "editor", "jti", noon))
	good(t, s.UseAssertion(ctx, "editor", "in time", noon.Add(time.Minute)))
	good(t, s.Sweep(ctx, noon.Add(5*time.Minute), store.Retention{}))
	if err := s.UseAssertion(ctx, "editor", "in time", noon); !errors.Is(err, devices.ErrExists) {
		t.Errorf("an assertion that a clock close by takes: %v", err)
	}
	good(t, s.Sweep(ctx, noon.Add(6*time.Minute), store.Retention{}))
	good(t, s.UseAssertion(ctx, "editor", "in time", noon))
	_, err := s.Code(ctx, code.Hash)
	missing(t, "expired code", err)
	_, err = s.SignIn(ctx, in.ID)
	missing(t, "expired sign-in", err)
	_, err = s.Holding(ctx, service.ID)
	missing(t, "a service's expired grant", err)
	holding(t, s, g.ID)
	keys, err := s.Keys(ctx)
	good(t, err)
	same(t, "keys", keys, []oauth.Key{{ID: "in force"}})

	good(t, s.Sweep(ctx, noon.Add(30*day), store.Retention{Judgments: 20 * day, Addresses: day, Events: day}))
	recent.Sighting.Network.Addr, recent.Sighting.Network.Spot = netip.Addr{}, devices.Spot{}
	history, err := s.History(ctx, "ada", "used", devices.Page{})
	good(t, err)
	same(t, "history", history, []devices.Judgment{judged("new", noon.Add(30*day)), recent})
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	if len(told.Events) != 1 || told.Events[0].ID != "new" {
		t.Errorf("events: %+v", told.Events)
	}
	forgotten := devices.Network{ASN: used.Last.ASN, Country: used.Last.Country} // and the coordinates
	for id, last := range map[string]devices.Network{"idle": forgotten, "used": forgotten} {
		d, err := s.DeviceByID(ctx, id)
		good(t, err)
		if id == "used" {
			last = used.Last
			if !d.LastSeen.Equal(r.At) {
				t.Errorf("last seen %v after a sweep, want %v", d.LastSeen, r.At)
			}
		}
		same(t, id+" networks", []devices.Network{d.First, d.Last}, []devices.Network{forgotten, last})
	}
}

// sweptCodes: a code stays while its coming back is to be told, and no longer.
func sweptCodes(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	enrolled(t, s, "ada", "laptop")
	saved := func(edit func(*devices.Grant), used bool) oauth.Code {
		g := grantOf("ada", "laptop")
		edit(&g)
		code := codeFor(g)
		good(t, s.SaveCode(ctx, code))
		if !used {
			return code
		}
		if ok, err := s.Redeem(ctx, code.Hash, g, client("editor"), nil); !ok || err != nil {
			t.Fatal(ok, err)
		}
		return code
	}
	as := func(*devices.Grant) {}
	kept := map[string]oauth.Code{
		"unused": saved(as, false), "of a live grant": saved(as, true),
		"of a grant that is over": saved(func(g *devices.Grant) { g.NotAfter = noon.Add(10 * time.Minute) }, true),
		"of an idle grant":        saved(func(g *devices.Grant) { g.IdleUntil = noon.Add(10 * time.Minute) }, true),
		"of a revoked grant":      saved(func(g *devices.Grant) { g.RevokedAt = noon }, true),
	}
	var last oauth.Code
	for i := range 2 * sliced { // more than one slice has
		last = codeFor(grantOf("ada", "laptop"))
		last.ExpiresAt = last.ExpiresAt.Add(time.Duration(i+1) * time.Microsecond)
		good(t, s.SaveCode(ctx, last))
	}
	fresh := codeFor(grantOf("ada", "laptop"))
	fresh.ExpiresAt = noon.Add(90 * time.Minute)
	good(t, s.SaveCode(ctx, fresh))
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{59 * time.Minute, []string{"unused", "of a live grant", "of a grant that is over", "of an idle grant", "of a revoked grant"}},
		{62 * time.Minute, []string{"of a live grant"}},
		{24 * time.Hour, []string{"of a live grant"}},
		{24*time.Hour + 2*time.Minute, nil},
	} {
		good(t, s.Sweep(ctx, noon.Add(step.after), store.Retention{}))
		if _, err := s.Code(ctx, last.Hash); (err == nil) != (step.after < time.Hour) {
			t.Errorf("%v on, the last of many codes: %v", step.after, err)
		}
		for what, code := range kept {
			if _, err := s.Code(ctx, code.Hash); slices.Contains(step.want, what) != (err == nil) {
				t.Errorf("%v on, a code %s: %v", step.after, what, err)
			}
		}
		if _, err := s.Code(ctx, fresh.Hash); err != nil && step.after < 2*time.Hour {
			t.Errorf("%v on, a fresh code: %v", step.after, err)
		}
	}
}

// sliced is more than half of what a sweep takes in one statement.
const sliced = 520

// sweptGrants: what has ended goes in the end, with nothing that is known by it
// lost; what lives stays, and so does what refuses the tokens of others.
func sweptGrants(t *testing.T, s Store) {
	ctx := t.Context()
	day := 24 * time.Hour
	registered(t, s)
	enrolled(t, s, "ada", "laptop")
	opened := func(edit func(*devices.Grant)) devices.Grant {
		g := grantOf("ada", "laptop")
		edit(&g)
		good(t, s.OpenGrant(ctx, g))
		return g
	}
	gone := map[string]devices.Grant{
		"revoked": opened(func(g *devices.Grant) { g.RevokedAt = noon }),
		"past its end": opened(func(g *devices.Grant) {
			g.Offline, g.NotAfter, g.RotatedAt = false, noon, noon.Add(-time.Minute)
		}),
		"idle":                        opened(func(g *devices.Grant) { g.IdleUntil, g.NotAfter = noon, time.Time{} }),
		"revoked without a device":    opened(func(g *devices.Grant) { g.DeviceID, g.RevokedAt, g.NotAfter = "", noon, time.Time{} }),
		"revoked after its end":       opened(func(g *devices.Grant) { g.NotAfter, g.RevokedAt = noon, noon.Add(20*day) }),
		"the last one that was moved": opened(func(g *devices.Grant) { g.RotatedAt, g.RevokedAt = noon.Add(time.Hour), noon }),
	}
	stays := map[string]devices.Grant{
		"live":             opened(func(g *devices.Grant) {}),
		"live, no end":     opened(func(g *devices.Grant) { g.NotAfter = time.Time{} }),
		"of another":       opened(func(g *devices.Grant) { g.Issuer, g.ExternalRef, g.RevokedAt = "hydra", "chain", noon }),
		"ended since":      opened(func(g *devices.Grant) { g.RevokedAt = noon.Add(time.Minute) }),
		"idle since":       opened(func(g *devices.Grant) { g.IdleUntil = noon.Add(time.Minute) }),
		"past its end now": opened(func(g *devices.Grant) { g.NotAfter = noon.Add(time.Minute) }),
	}
	for range 2 * sliced {
		opened(func(g *devices.Grant) { g.RevokedAt = noon })
	}
	there := func(when string, grants map[string]devices.Grant, want bool) {
		t.Helper()
		for what, g := range grants {
			if _, err := s.Holding(ctx, g.ID); (err == nil) != want || err != nil && !errors.Is(err, devices.ErrNotFound) {
				t.Errorf("%s, a grant that is %s: %v", when, what, err)
			}
		}
	}
	good(t, s.Sweep(ctx, noon.Add(400*day), store.Retention{}))
	there("where judgments are kept for ever", gone, true)
	good(t, s.Sweep(ctx, noon.Add(30*day-time.Second), store.Retention{Judgments: day}))
	there("within thirty days", gone, true)
	good(t, s.Sweep(ctx, noon.Add(60*day-time.Second), store.Retention{Judgments: 60 * day}))
	there("while its judgments are kept", gone, true)
	good(t, s.Sweep(ctx, noon.Add(60*day), store.Retention{Judgments: 60 * day}))
	there("after sixty days", gone, false)
	there("after sixty days", stays, true)
	d, err := s.Device(ctx, "ada", "laptop")
	good(t, err)
	if !d.LastSeen.Equal(noon.Add(time.Hour)) {
		t.Errorf("the device was last seen %v, by a grant that is gone", d.LastSeen)
	}
	good(t, s.Sweep(ctx, noon.Add(61*day), store.Retention{Judgments: day})) // from the beginning again
	for _, what := range []string{"ended since", "idle since", "past its end now"} {
		_, err := s.Holding(ctx, stays[what].ID)
		missing(t, what, err)
	}
}
