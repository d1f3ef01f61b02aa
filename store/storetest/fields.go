package storetest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func deviceFields(t *testing.T, s Store) {
	ctx := t.Context()
	want := filled[devices.Device]()
	good(t, s.Change(ctx, want.Subject, func(tx devices.Tx) error { return tx.Put(ctx, want) }))
	got, err := s.Device(ctx, want.Subject, want.ID)
	good(t, err)
	same(t, "new device", got, want)

	id, subject := want.ID, want.Subject
	want = filledFrom[devices.Device](100)
	want.ID, want.Subject, want.CanUpdateOthers, want.CanDeleteOthers = id, subject, false, false
	good(t, s.Change(ctx, subject, func(tx devices.Tx) error { return tx.Put(ctx, want) }))
	got, err = s.Device(ctx, subject, id)
	good(t, err)
	same(t, "known device", got, want)

	empty := devices.Device{ID: "empty", Subject: subject}
	good(t, s.Change(ctx, subject, func(tx devices.Tx) error { return tx.Put(ctx, empty) }))
	got, err = s.Device(ctx, subject, "empty")
	good(t, err)
	same(t, "empty device", got, empty)
}

// judged returns what a holding has of a device.
func judged(d devices.Device) devices.Device {
	return devices.Device{
		ID: d.ID, Subject: d.Subject, State: d.State, Tier: d.Tier, CookieHash: d.CookieHash,
		KeyThumbprint: d.KeyThumbprint, Last: d.Last, LastAt: d.LastAt, Known: d.Known,
	}
}

func grantFields(t *testing.T, s Store) {
	ctx := t.Context()
	d := enrolled(t, s, "ada", "laptop")
	want := filled[devices.Grant]()
	want.Subject, want.DeviceID = "ada", "laptop"
	good(t, s.OpenGrant(ctx, want))
	h, err := s.Holding(ctx, want.ID)
	good(t, err)
	same(t, "grant", h.Grant, want)
	same(t, "its device", *h.Device, judged(d))

	full := filled[devices.Device]()
	full.ID, full.Subject, full.State = "full", "ada", devices.StateFlagged
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error { return tx.Put(ctx, full) }))
	g := grantOf("ada", "full")
	good(t, s.OpenGrant(ctx, g))
	h, err = s.Holding(ctx, g.ID)
	good(t, err)
	same(t, "full device", *h.Device, judged(full))

	registered(t, s)
	bare := devices.Grant{ID: "bare", Subject: "service", ClientID: "editor"}
	good(t, s.OpenGrant(ctx, bare))
	h, err = s.Holding(ctx, "bare")
	good(t, err)
	same(t, "bare grant", h, devices.Holding{Grant: bare})
	found, err := s.FindGrants(ctx, devices.GrantQuery{Subject: "service"})
	good(t, err)
	same(t, "found grant", found, []devices.Grant{bare})
}

func judgmentFields(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	want := filled[devices.Judgment]()
	want.Subject, want.DeviceID = "ada", "laptop"
	bare := devices.Judgment{ID: "bare", Subject: "ada", DeviceID: "laptop"}
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error {
		if err := tx.Record(ctx, bare); err != nil {
			return err
		}
		return tx.Record(ctx, want)
	}))
	got, err := s.History(ctx, "ada", "laptop", devices.Page{})
	good(t, err)
	same(t, "history", got, []devices.Judgment{want, bare})
}

func grantJudgments(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	of := func(id, device, grant string) devices.Judgment {
		return devices.Judgment{ID: id, Subject: "ada", DeviceID: device, GrantID: grant, Sighting: devices.Sighting{At: noon}}
	}
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error {
		return errors.Join(tx.Record(ctx, of("1", "laptop", "shop")), tx.Record(ctx, of("2", "laptop", "mail")),
			tx.Record(ctx, of("3", "", "notes")), tx.Record(ctx, of("4", "", "")), tx.Record(ctx, of("5", "laptop", "shop")))
	}))
	for grant, want := range map[string][]string{"shop": {"5", "1"}, "notes": {"3"}, "": nil, "unknown": nil} {
		list, err := s.GrantHistory(ctx, grant, devices.Page{})
		good(t, err)
		if got := ids(list, func(j devices.Judgment) string { return j.ID }); !slices.Equal(got, want) {
			t.Errorf("of %q: got %v, want %v", grant, got, want)
		}
	}
}

func eventFields(t *testing.T, s Store) {
	ctx := t.Context()
	want, bare := filled[devices.Event](), devices.Event{ID: "bare", Subject: "ada"}
	want.Subject = "ada"
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error { return tx.Tell(ctx, want, bare) }))
	got, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	same(t, "events", got.Events, []devices.Event{want, bare})
}

func clientFields(t *testing.T, s Store) {
	ctx := t.Context()
	want := filled[oauth.Client]()
	good(t, s.CreateClient(ctx, want))
	want.Secret = "" // must not come back
	got, err := s.Client(ctx, want.ID)
	good(t, err)
	same(t, "client", got, want)

	next := filledFrom[oauth.Client](100)
	next.ID, next.Version, next.CreatedAt, next.Secret = want.ID, want.Version, want.CreatedAt, ""
	ok, err := s.UpdateClient(ctx, next)
	good(t, err)
	if !ok {
		t.Error("client of the version that was read: not updated")
	}
	next.Version++
	got, err = s.Client(ctx, want.ID)
	good(t, err)
	same(t, "updated client", got, next)
	if ok, err = s.UpdateClient(ctx, want); ok || err != nil {
		t.Errorf("stale client: updated %v, %v", ok, err)
	}
}

func codeFields(t *testing.T, s Store) {
	ctx := t.Context()
	want := filled[oauth.Code]()
	enrolled(t, s, want.Subject, "laptop")
	want.SID, want.ConsentAt = signedIn(t, s, want.Subject, "laptop").ID, time.Time{}
	good(t, s.SaveCode(ctx, want))
	got, err := s.Code(ctx, want.Hash)
	good(t, err)
	same(t, "code", got, want)
}

func signInFields(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	want := filled[oauth.SignIn]()
	want.Subject, want.DeviceID, want.By = "ada", "laptop", devices.Credential{}
	open, err := s.OpenSignIn(ctx, want)
	good(t, err)
	if !open {
		t.Fatal("sign-in on a good device: not opened")
	}
	got, err := s.SignIn(ctx, want.ID)
	good(t, err)
	same(t, "sign-in", got, want)
}

func smallFields(t *testing.T, s Store) {
	ctx := t.Context()
	user := filled[oauth.User]()
	good(t, s.CreateUser(ctx, user))
	got, err := s.User(ctx, user.Subject)
	good(t, err)
	same(t, "user", got, user)

	consent := filled[oauth.Consent]()
	consent.Subject, consent.By = "ada", devices.Credential{} // the user is disabled
	good(t, s.PutConsent(ctx, consent))
	gotConsent, err := s.Consent(ctx, consent.Subject, consent.ClientID)
	good(t, err)
	same(t, "consent", gotConsent, consent)

	key := filled[oauth.Key]()
	good(t, s.PutKey(ctx, key))
	keys, err := s.Keys(ctx)
	good(t, err)
	same(t, "keys", keys, []oauth.Key{key})
	id := key.ID
	key = filledFrom[oauth.Key](100)
	key.ID = id
	good(t, s.PutKey(ctx, key))
	keys, err = s.Keys(ctx)
	good(t, err)
	same(t, "replaced key", keys, []oauth.Key{key})
}
