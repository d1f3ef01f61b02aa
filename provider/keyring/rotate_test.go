package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

func rotate(t testing.TB, k *keyring.Keyring, use, alg string) oauth.Key {
	t.Helper()
	row, err := k.Rotate(t.Context(), use, alg)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestRotateSigningKeys(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	old, oldKID := sign(t, k, "")
	next := rotate(t, k, oauth.UseSign, keyring.ES256)
	if !slices.Contains(published(k), next.ID) {
		t.Error("the next key is not published")
	}
	if _, kid := sign(t, k, ""); kid != oldKID {
		t.Error("the next key is used before others can know it")
	}
	c.Advance(2 * time.Minute)
	if _, kid := sign(t, k, ""); kid != next.ID {
		t.Error("the next key is not used when its time has come")
	}
	c.Advance(24*time.Hour - time.Second)
	if err := verify(t, k, old); err != nil {
		t.Errorf("signed with the old key: %v", err)
	}
	c.Advance(time.Second)
	if err := verify(t, k, old); !errors.Is(err, keyring.ErrBadJWT) {
		t.Errorf("the old key's time is over: %v", err)
	}
	if slices.Contains(published(k), oldKID) {
		t.Error("the old key is still published")
	}
	if err := k.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := verify(t, k, old); !errors.Is(err, keyring.ErrBadJWT) {
		t.Errorf("read again: %v", err)
	}
}

func TestRotateTokenKeys(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	oldID, oldKey := k.TokenKey()
	rotate(t, k, oauth.UseToken, "")
	if id, _ := k.TokenKey(); id != oldID {
		t.Error("the next key is used at once")
	}
	c.Advance(2 * time.Minute)
	if id, key := k.TokenKey(); id == oldID || bytes.Equal(key, oldKey) {
		t.Error("the next key is not used")
	}
	c.Advance(399 * 24 * time.Hour) // longer than any refresh token
	if key, err := k.TokenKeyByID(t.Context(), oldID); err != nil || !bytes.Equal(key, oldKey) {
		t.Errorf("the old key: %v", err)
	}
	c.Advance(24 * time.Hour)
	if _, err := k.TokenKeyByID(t.Context(), oldID); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("the old key's time is over: %v", err)
	}
}

func TestRotateRefuses(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	for _, l := range [][2]string{{"", ""}, {oauth.UseSign, ""}, {oauth.UseSign, "HS256"}, {oauth.UseSign, keyring.RS256}} {
		if _, err := k.Rotate(t.Context(), l[0], l[1]); err == nil {
			t.Errorf("rotates %q", l)
		}
	}
	s.fail(errors.New("down"))
	if _, err := k.Rotate(t.Context(), oauth.UseToken, ""); err == nil {
		t.Error("rotates without a store")
	}
}

// TestRotateTwiceAtOnce: of two next keys all replicas use one.
func TestRotateTwiceAtOnce(t *testing.T) {
	s, c := &shelf{}, newClock()
	a, b := open(t, config(s, c)), open(t, config(s, c))
	var wg sync.WaitGroup
	for _, k := range []*keyring.Keyring{a, b} {
		wg.Go(func() {
			if _, err := k.Rotate(context.Background(), oauth.UseSign, keyring.ES256); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, wait := range []time.Duration{0, 3 * time.Minute, 25 * time.Hour} {
		c.Advance(wait)
		if err := errors.Join(a.Reload(t.Context()), b.Reload(t.Context())); err != nil {
			t.Fatal(err)
		}
		token, kidA := sign(t, a, "")
		_, kidB := sign(t, b, "")
		if kidA != kidB {
			t.Errorf("after %s: keys %s and %s", wait, kidA, kidB)
		}
		if err := verify(t, b, token); err != nil {
			t.Error(err)
		}
	}
}

func TestRotateSealsAgain(t *testing.T) {
	s, c := &shelf{}, newClock()
	before := open(t, config(s, c))
	id, key := before.TokenKey()
	token, _ := sign(t, before, "")
	k := open(t, config(s, c, func(c *keyring.Config) { c.System = [][]byte{secret(2), secret(1)} }))
	rotate(t, k, oauth.UseSign, keyring.ES256)

	after := open(t, config(s, c, func(c *keyring.Config) { c.System = [][]byte{secret(2)} }))
	if got, err := after.TokenKeyByID(t.Context(), id); err != nil || !bytes.Equal(got, key) {
		t.Errorf("token key: %v", err)
	}
	if err := verify(t, after, token); err != nil {
		t.Errorf("signing key: %v", err)
	}
	if _, err := keyring.Open(t.Context(), config(s, c)); err == nil {
		t.Error("the old secret still opens")
	}
}

// TestReplicaWithAnOldSecret: it goes on with the keys it has, and what it
// cannot open is trouble, not forgery.
func TestReplicaWithAnOldSecret(t *testing.T) {
	s, c := &shelf{}, newClock()
	stale := open(t, config(s, c))
	k := open(t, config(s, c, func(c *keyring.Config) { c.System = [][]byte{secret(2), secret(1)} }))
	rotate(t, k, oauth.UseToken, "")
	c.Advance(3 * time.Minute)
	id, _ := k.TokenKey()
	if _, err := stale.TokenKeyByID(t.Context(), id); err == nil || errors.Is(err, devices.ErrNotFound) {
		t.Errorf("got %v, want trouble", err)
	}
	if token, _ := sign(t, stale, ""); verify(t, stale, token) != nil {
		t.Error("the keys it has are of no use")
	}
}

// TestRotationUnderLoad: two replicas sign, mint and verify each other's while
// keys rotate again and again; nobody is ever refused.
func TestRotationUnderLoad(t *testing.T) {
	s, c := &shelf{}, newClock()
	rings := []*keyring.Keyring{open(t, config(s, c)), open(t, config(s, c))}
	var stop atomic.Bool
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for !stop.Load() {
				a, b := rings[i%2], rings[(i+1)%2]
				token, err := a.SignJWT(context.Background(), "", "JWT", map[string]any{"sub": "ada"})
				if err != nil {
					t.Error(err)
				}
				if err := verify(t, b, token); err != nil {
					t.Error(err)
				}
				id, key := a.TokenKey()
				if got, err := b.TokenKeyByID(context.Background(), id); err != nil || !bytes.Equal(got, key) {
					t.Errorf("token key %x: %v", id, err)
				}
				done.Add(1)
			}
		})
	}
	for i := range 20 {
		rotate(t, rings[i%2], oauth.UseSign, keyring.ES256)
		rotate(t, rings[(i+1)%2], oauth.UseToken, "")
		for range 6 { // twice as far as a key waits, in steps past the throttle
			c.Advance(41 * time.Second)
			time.Sleep(time.Millisecond)
		}
	}
	stop.Store(true)
	wg.Wait()
	if done.Load() < 20 {
		t.Errorf("only %d rounds", done.Load())
	}
}

// InUse tells the same as the ring does, before and after a key takes over.
func TestInUse(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	check := func(when string) {
		t.Helper()
		rows, err := s.Keys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		used := keyring.InUse(rows, c.Now())
		if _, kid := sign(t, k, ""); len(used) != 2 || !slices.Contains(used, kid) {
			t.Errorf("%s: %v, but signed by %s", when, used, kid)
		}
	}
	check("at first")
	for range 2 {
		rotate(t, k, oauth.UseSign, keyring.ES256)
		check("rotated")
	}
	for _, wait := range []time.Duration{time.Minute, time.Minute, time.Hour, 24 * time.Hour} {
		c.Advance(wait)
		check("after " + wait.String())
	}
}
