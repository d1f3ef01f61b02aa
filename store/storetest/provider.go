package storetest

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// signedIn opens a sign-in that lasts a day and returns it.
func signedIn(t *testing.T, s Store, subject, device string) oauth.SignIn {
	t.Helper()
	in := oauth.SignIn{
		ID: rand.Text(), SecretHash: []byte(rand.Text()), Subject: subject, DeviceID: device,
		AuthTime: noon, CreatedAt: noon, IdleUntil: noon.Add(time.Hour), NotAfter: noon.Add(24 * time.Hour),
	}
	if ok, err := s.OpenSignIn(t.Context(), in); !ok || err != nil {
		t.Fatal(ok, err)
	}
	return in
}

func redeemedOnce(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	enrolled(t, s, "ada", "laptop")
	g := grantOf("ada", "laptop")
	code := codeFor(g)
	good(t, s.SaveCode(ctx, code))
	if err := s.SaveCode(ctx, code); !errors.Is(err, devices.ErrExists) {
		t.Errorf("the same code again: got %v, want %v", err, devices.ErrExists)
	}
	var won atomic.Int64
	at(20, func(int) {
		ok, err := s.Redeem(ctx, code.Hash, g, client("editor"), []devices.Event{{ID: rand.Text(), Subject: "ada"}})
		if err != nil {
			t.Error(err)
		}
		if ok {
			won.Add(1)
		}
	})
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	if won.Load() != 1 || len(told.Events) != 1 {
		t.Errorf("20 redemptions of a code: %d succeeded, %d events", won.Load(), len(told.Events))
	}
	same(t, "its grant", holding(t, s, g.ID), g)
	used, err := s.Code(ctx, code.Hash)
	good(t, err)
	if !used.UsedAt.Equal(g.CreatedAt) {
		t.Errorf("code used at %v, want the grant's creation", used.UsedAt)
	}
}

func redeemedNever(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	d := enrolled(t, s, "ada", "laptop")
	revoked := enrolled(t, s, "ada", "phone")
	revoke(t, s, revoked)
	enrolled(t, s, "eve", "tablet")
	good(t, s.SetUserDisabled(ctx, "eve", true, noon))
	in := signedIn(t, s, "ada", "laptop")
	before, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	for name, spoil := range map[string]func(*oauth.Code, *devices.Grant){
		"revoked device":      func(c *oauth.Code, g *devices.Grant) { c.DeviceID, g.DeviceID = "phone", "phone" },
		"unknown device":      func(c *oauth.Code, g *devices.Grant) { c.DeviceID, g.DeviceID = "none", "none" },
		"another's device":    func(_ *oauth.Code, g *devices.Grant) { g.DeviceID = "tablet" },
		"disabled subject":    func(c *oauth.Code, g *devices.Grant) { c.Subject, g.Subject, g.DeviceID = "eve", "eve", "tablet" },
		"expired code":        func(c *oauth.Code, _ *devices.Grant) { c.ExpiresAt = noon },
		"another client":      func(_ *oauth.Code, g *devices.Grant) { g.ClientID = "other" },
		"another grant":       func(_ *oauth.Code, g *devices.Grant) { g.ID = rand.Text() },
		"another subject":     func(c *oauth.Code, _ *devices.Grant) { c.Subject = "eve" },
		"sign-in that ended":  func(c *oauth.Code, g *devices.Grant) { c.SID, g.SID = in.ID, in.ID },
		"client that is gone": func(c *oauth.Code, g *devices.Grant) { c.ClientID, g.ClientID = "gone", "gone" },
		"another code":        func(c *oauth.Code, _ *devices.Grant) { c.Hash = []byte("another") },
	} {
		g := grantOf("ada", d.ID)
		code := codeFor(g)
		hash := code.Hash
		spoil(&code, &g)
		good(t, s.SaveCode(ctx, code))
		if g.SID != "" {
			good(t, s.EndSignIn(ctx, g.SID, noon))
		}
		if ok, err := s.Redeem(ctx, hash, g, client("editor"), []devices.Event{{ID: "told", Subject: g.Subject}}); ok || err != nil {
			t.Errorf("%s: redeemed %v, %v", name, ok, err)
		}
		_, err := s.Holding(ctx, g.ID)
		missing(t, name+": grant", err)
		if kept, err := s.Code(ctx, code.Hash); err != nil || !kept.UsedAt.IsZero() {
			t.Errorf("%s: code used at %v, %v", name, kept.UsedAt, err)
		}
	}
	after, err := s.EventsAfter(ctx, before.Next, 0)
	good(t, err)
	same(t, "events", after.Events, []devices.Event{})
	_, err = s.Code(ctx, []byte("unknown"))
	missing(t, "unknown code", err)
}

// noGrantOnRevoked redeems and signs in while the device is revoked: whatever
// won, nothing of the device is alive in the end.
func noGrantOnRevoked(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	for range 50 {
		id := rand.Text()
		d := enrolled(t, s, "ada", id)
		g, direct := grantOf("ada", id), grantOf("ada", id)
		code := codeFor(g)
		good(t, s.SaveCode(ctx, code))
		in := oauth.SignIn{ID: rand.Text(), Subject: "ada", DeviceID: id, IdleUntil: noon, NotAfter: noon}
		at(4, func(i int) {
			var err error
			switch i {
			case 0:
				revoke(t, s, d)
			case 1:
				_, err = s.Redeem(ctx, code.Hash, g, client("editor"), nil)
			case 2:
				_, err = s.OpenSignIn(ctx, in)
			case 3:
				if err = s.OpenGrant(ctx, direct); errors.Is(err, devices.ErrRevoked) {
					err = nil
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
		grants, err := s.FindGrants(ctx, devices.GrantQuery{DeviceID: id})
		good(t, err)
		for _, g := range grants {
			if g.RevokedAt.IsZero() {
				t.Fatalf("grant %s outlived its device", g.ID)
			}
		}
		if now, err := s.SignIn(ctx, in.ID); err == nil && now.EndedAt.IsZero() {
			t.Fatal("a sign-in outlived its device")
		}
	}
}

func signIns(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	in := signedIn(t, s, "ada", "laptop")
	good(t, s.ExtendSignIn(ctx, in.ID, noon.Add(2*time.Hour)))
	good(t, s.ExtendSignIn(ctx, in.ID, noon.Add(time.Minute))) // never back
	in.IdleUntil = noon.Add(2 * time.Hour)
	got, err := s.SignIn(ctx, in.ID)
	good(t, err)
	same(t, "extended sign-in", got, in)
	missing(t, "extending nothing", s.ExtendSignIn(ctx, "unknown", noon))
	missing(t, "ending nothing", s.EndSignIn(ctx, "unknown", noon))

	in.SecretHash, in.AuthTime, in.ACR, in.AMR = []byte("new"), noon.Add(time.Minute), "2", []string{"pwd", "otp"}
	in.IdleUntil, in.NotAfter = noon.Add(3*time.Hour), noon.Add(30*time.Hour)
	if ok, err := s.RenewSignIn(ctx, in); !ok || err != nil {
		t.Errorf("renewing a live sign-in: %v, %v", ok, err)
	}
	got, err = s.SignIn(ctx, in.ID)
	good(t, err)
	same(t, "renewed sign-in", got, in)
	late := in
	late.AuthTime = in.IdleUntil
	for name, i := range map[string]oauth.SignIn{
		"over": late, "unknown": {ID: "unknown", Subject: "ada", DeviceID: "laptop"},
		"another subject's": {ID: in.ID, Subject: "eve", AuthTime: in.AuthTime},
	} {
		if ok, err := s.RenewSignIn(ctx, i); ok || err != nil {
			t.Errorf("renewing a sign-in that is %s: %v, %v", name, ok, err)
		}
	}

	online, offline := grantOf("ada", "laptop"), grantOf("ada", "laptop")
	online.SID, online.Offline, offline.SID = in.ID, false, in.ID
	good(t, s.OpenGrant(ctx, online))
	good(t, s.OpenGrant(ctx, offline))
	good(t, s.EndSignIn(ctx, in.ID, noon.Add(time.Hour)))
	good(t, s.EndSignIn(ctx, in.ID, noon.Add(2*time.Hour))) // changes nothing
	got, err = s.SignIn(ctx, in.ID)
	good(t, err)
	if !got.EndedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("sign-in ended at %v", got.EndedAt)
	}
	if g := holding(t, s, online.ID); g.RevokedReason != devices.ReasonLogout || g.Version != 2 {
		t.Errorf("grant without offline access after the sign-in ended: %+v", g)
	}
	same(t, "offline grant", holding(t, s, offline.ID), offline)
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	if len(told.Events) != 1 || told.Events[0].GrantID != online.ID {
		t.Errorf("told %+v, want the end of %s", told.Events, online.ID)
	}
	if ok, err := s.RenewSignIn(ctx, in); ok || err != nil {
		t.Errorf("renewing an ended sign-in: %v, %v", ok, err)
	}
	lost := in
	lost.ID, lost.DeviceID = rand.Text(), "unknown"
	if ok, err := s.OpenSignIn(ctx, lost); ok || err != nil {
		t.Errorf("sign-in on an unknown device: %v, %v", ok, err)
	}
}

func cutTokens(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	good(t, s.CutTokens(ctx, g.ID, noon.Add(time.Hour)))
	good(t, s.CutTokens(ctx, g.ID, noon)) // never back
	if now := holding(t, s, g.ID); !now.TokensNotBefore.Equal(noon.Add(time.Hour)) {
		t.Errorf("tokens cut at %v", now.TokensNotBefore)
	}
	missing(t, "cutting nothing", s.CutTokens(ctx, "unknown", noon))
	if err := s.OpenGrant(ctx, g); !errors.Is(err, devices.ErrExists) {
		t.Errorf("the same grant again: got %v, want %v", err, devices.ErrExists)
	}
}

func assertions(t *testing.T, s Store) {
	ctx := t.Context()
	long := strings.Repeat("long", 10_000)
	for _, a := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"a", ""}, {"", "a"}, {"a", "\x00\xff"}, {"a", long}} {
		good(t, s.UseAssertion(ctx, a[0], a[1], noon))
		if err := s.UseAssertion(ctx, a[0], a[1], noon); !errors.Is(err, devices.ErrExists) {
			t.Errorf("using %.9q of %q twice: got %v, want %v", a[1], a[0], err, devices.ErrExists)
		}
	}
	good(t, s.UseAttempt(ctx, "state", noon))
	if err := s.UseAttempt(ctx, "state", noon); !errors.Is(err, devices.ErrExists) {
		t.Errorf("completing a sign-in to the pages twice: %v", err)
	}
	good(t, s.UseAssertion(ctx, "pages", "state", noon))
	var won atomic.Int64
	at(20, func(int) {
		if s.UseAssertion(ctx, "a", "raced", noon) == nil {
			won.Add(1)
		}
	})
	if won.Load() != 1 {
		t.Errorf("20 uses of one assertion: %d succeeded", won.Load())
	}
}
