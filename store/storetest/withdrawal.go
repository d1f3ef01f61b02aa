package storetest

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// consented keeps a consent to the client "editor", and returns it.
func consented(t *testing.T, s Store, subject string) oauth.Consent {
	t.Helper()
	c := oauth.Consent{Subject: subject, ClientID: "editor", Scopes: []string{"openid", "email"}, At: noon.Add(-time.Hour)}
	good(t, s.PutConsent(t.Context(), c))
	return c
}

// withdrawing returns a registry that withdraws on the store, and an owner at
// a device of whom nothing more is asked.
func withdrawing(t *testing.T, s Store) (*devices.Registry, devices.Actor) {
	t.Helper()
	d := enrolled(t, s, "ada", "laptop")
	d.CanDeleteOthers = true
	good(t, s.Change(t.Context(), "ada", func(tx devices.Tx) error { return tx.Put(t.Context(), d) }))
	r := registry(s)
	r.Consents = s
	return r, devices.Actor{Subject: "ada", DeviceID: "laptop", AuthTime: noon}
}

func accesses(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	enrolled(t, s, "ada", "laptop")
	enrolled(t, s, "ada", "phone")
	consented(t, s, "ada")
	first, second := grantOf("ada", "laptop"), grantOf("ada", "phone")
	second.CreatedAt, second.RotatedAt = noon.Add(time.Minute), noon.Add(time.Hour)
	other, over, ended := grantOf("ada", "laptop"), grantOf("ada", "laptop"), grantOf("ada", "laptop")
	other.ClientID, over.ClientID, ended.ClientID = "another", "over", "ended"
	over.NotAfter, ended.RevokedAt = noon, noon
	for _, g := range []devices.Grant{first, second, other, over, ended} {
		good(t, s.OpenGrant(ctx, g))
	}
	own := grantOf("editor", "") // a client's own
	good(t, s.OpenGrant(ctx, own))

	client, err := s.Client(ctx, "editor")
	good(t, err)
	got, err := s.Accesses(ctx, "ada", noon.Add(2*time.Hour))
	good(t, err)
	same(t, "accesses", got, []devices.Access{
		{
			ClientID: "another", Scopes: first.Scopes, Since: noon, LastUsed: noon, DeviceIDs: []string{"laptop"}, Grants: 1,
		},
		{
			ClientID: "editor", ClientName: client.Name, Scopes: []string{"openid", "email", "offline_access"},
			Since: noon.Add(-time.Hour), LastUsed: noon.Add(time.Hour), DeviceIDs: []string{"laptop", "phone"}, Grants: 2,
			Consented: true,
		},
	})
	for _, subject := range []string{"editor", "nobody", "a\x00b", "\xff"} {
		if got, err := s.Accesses(ctx, subject, noon); len(got) > 0 || err != nil {
			t.Errorf("%q: %+v, %v", subject, got, err)
		}
	}
}

func withdrawn(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	r, ada := withdrawing(t, s)
	enrolled(t, s, "ada", "phone")
	enrolled(t, s, "eve", "tablet")
	consented(t, s, "ada")
	theirs := consented(t, s, "eve")
	here, there := opened(t, s, "ada", "laptop"), opened(t, s, "ada", "phone")
	other := grantOf("ada", "laptop")
	other.ClientID = "another"
	good(t, s.OpenGrant(ctx, other))
	eve := opened(t, s, "eve", "tablet")
	used, unused := codeFor(grantOf("ada", "laptop")), codeFor(grantOf("ada", "laptop"))
	used.UsedAt = noon
	good(t, s.SaveCode(ctx, used))
	good(t, s.SaveCode(ctx, unused))
	page, err := s.EventsAfter(ctx, "", 500)
	good(t, err)

	good(t, r.WithdrawConsent(ctx, ada, "editor"))

	if _, err := s.Consent(ctx, "ada", "editor"); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("the consent: %v", err)
	}
	if _, err := s.Code(ctx, unused.Hash); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("a code that nobody has redeemed: %v", err)
	}
	if _, err := s.Code(ctx, used.Hash); err != nil {
		t.Errorf("a code whose replay must be noticed: %v", err)
	}
	for id, gone := range map[string]bool{here.ID: true, there.ID: true, other.ID: false, eve.ID: false} {
		h, err := s.Holding(ctx, id)
		good(t, err)
		if g := h.Grant; g.RevokedAt.Equal(noon) != gone || (g.RevokedReason == devices.ReasonConsentWithdrawn) != gone {
			t.Errorf("grant of %s to %s on %s: revoked %v, %s", g.Subject, g.ClientID, g.DeviceID, g.RevokedAt, g.RevokedReason)
		}
	}
	got, err := s.Consent(ctx, "eve", "editor")
	good(t, err)
	same(t, "another subject's consent", got, theirs)
	for _, id := range []string{"laptop", "phone"} {
		if d, err := s.Device(ctx, "ada", id); err != nil || !d.Live() {
			t.Errorf("%s: %+v, %v", id, d, err)
		}
	}
	told, err := s.EventsAfter(ctx, page.Next, 0)
	good(t, err)
	var types []devices.EventType
	for _, e := range told.Events {
		types = append(types, e.Type)
		if e.Subject != "ada" || e.ClientID != "editor" {
			t.Errorf("event %+v", e)
		}
	}
	same(t, "events", types, []devices.EventType{devices.EventConsentWithdrawn, devices.EventGrantRevoked, devices.EventGrantRevoked})

	for _, client := range []string{"editor", "unknown", "a\x00b", "\xff"} {
		if err := r.WithdrawConsent(ctx, ada, client); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%q, of which there is nothing: %v", client, err)
		}
	}
	if after, err := s.EventsAfter(ctx, told.Next, 0); err != nil || len(after.Events) > 0 {
		t.Errorf("nothing was withdrawn, and emitted: %+v, %v", after.Events, err)
	}
	if err := r.WithdrawConsentByOperator(ctx, "nobody", "editor"); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("an unknown subject: %v", err)
	}
	if found, err := s.FindSubjects(ctx, "nobody"); err != nil || len(found) > 0 {
		t.Errorf("the unknown subject is known now: %v, %v", found, err)
	}
}

// withdrawnInBetween withdraws between the moment that a consent was read and
// the moment that something is written on it.
func withdrawnInBetween(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	r, ada := withdrawing(t, s)
	given := consented(t, s, "ada")
	in := signedIn(t, s, "ada", "laptop")
	rests := func(on oauth.Consent) oauth.Code {
		g := grantOf("ada", "laptop")
		g.SID = in.ID
		c := codeFor(g)
		c.ConsentAt = on.At
		return c
	}
	good(t, s.SaveCode(ctx, rests(given)))
	read := opened(t, s, "ada", "laptop")
	good(t, r.WithdrawConsent(ctx, ada, "editor"))
	if err := s.SaveCode(ctx, rests(given)); !errors.Is(err, devices.ErrOutdated) {
		t.Errorf("a code on a consent that is withdrawn: %v", err)
	}
	if moved, err := s.Rotate(ctx, next(read)); moved || err != nil {
		t.Errorf("a grant that was read before: %v, %v", moved, err)
	}
	anew := given
	anew.At = noon
	good(t, s.PutConsent(ctx, anew))
	if err := s.SaveCode(ctx, rests(given)); !errors.Is(err, devices.ErrOutdated) {
		t.Errorf("a code on another consent than the one that was read: %v", err)
	}
	good(t, s.SaveCode(ctx, rests(anew)))
	first := rests(anew)
	first.ConsentAt = time.Time{} // an operator's own client needs none
	good(t, s.SaveCode(ctx, first))
}

// racedWithdrawal authorizes, redeems and refreshes while the consent is
// withdrawn: whoever was first, nothing lives and no code is left in the end.
func racedWithdrawal(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	client, err := s.Client(ctx, "editor")
	good(t, err)
	r, ada := withdrawing(t, s)
	for range 25 {
		given := consented(t, s, "ada")
		refreshed, waiting := opened(t, s, "ada", "laptop"), codeFor(grantOf("ada", "laptop"))
		waiting.ConsentAt = given.At
		good(t, s.SaveCode(ctx, waiting))
		asked := codeFor(grantOf("ada", "laptop"))
		asked.ConsentAt = given.At
		late := grantOf("ada", "laptop")
		late.ID = waiting.GrantID
		at(4, func(i int) {
			var err error
			switch i {
			case 0:
				err = r.WithdrawConsent(ctx, ada, "editor")
			case 1:
				_, err = s.Rotate(ctx, next(refreshed))
			case 2:
				_, err = s.Redeem(ctx, waiting.Hash, late, client, nil)
			case 3:
				if err = s.SaveCode(ctx, asked); errors.Is(err, devices.ErrOutdated) {
					err = nil
				}
			}
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
		if left, err := s.Accesses(ctx, "ada", noon); len(left) > 0 || err != nil {
			t.Fatalf("access outlived its withdrawal: %+v, %v", left, err)
		}
		for _, c := range []oauth.Code{waiting, asked} {
			if left, err := s.Code(ctx, c.Hash); err == nil && left.UsedAt.IsZero() {
				t.Fatal("a code outlived the withdrawal")
			}
		}
	}
}

// Who may not withdraw changes nothing.
func withdrawnByWhom(t *testing.T, s Store) {
	ctx := t.Context()
	r, ada := withdrawing(t, s)
	weak := enrolled(t, s, "ada", "phone")
	weak.CanUpdateOthers = true
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error { return tx.Put(ctx, weak) }))
	gone := enrolled(t, s, "ada", "gone")
	revoke(t, s, gone)
	consented(t, s, "ada")
	in := signedIn(t, s, "ada", "laptop")
	good(t, s.EndSignIn(ctx, in.ID, noon))
	from := func(device string) devices.Actor { a := ada; a.DeviceID = device; return a }
	late, over := ada, ada
	late.AuthTime, over.By = noon.Add(-time.Hour), devices.Credential{SignIn: in.ID}
	for name, c := range map[string]struct {
		by   devices.Actor
		want error
	}{
		"no permission":            {from("phone"), devices.ErrNoDeletePermission},
		"young, not fresh":         {late, devices.ErrStepUpRequired},
		"ended device":             {from("gone"), devices.ErrRevoked},
		"another subject's device": {from(rand.Text()), devices.ErrNotRecognized},
		"no device":                {from(""), devices.ErrNoDevice},
		"a sign-in that has ended": {over, devices.ErrOutdated},
	} {
		if err := r.WithdrawConsent(ctx, c.by, "editor"); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if _, err := s.Consent(ctx, "ada", "editor"); err != nil {
			t.Fatalf("%s: the consent: %v", name, err)
		}
	}
}
