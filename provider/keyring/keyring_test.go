package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// A ring is where the token codec gets its keys from.
var _ tokens.Keys = (*keyring.Keyring)(nil)

// shelf keeps keys in memory, for one or several replicas.
type shelf struct {
	mu    sync.Mutex
	rows  map[string]oauth.Key
	reads int
	down  error
}

func (s *shelf) Keys(ctx context.Context) ([]oauth.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.down != nil {
		return nil, s.down
	}
	return slices.SortedFunc(maps.Values(s.rows), func(a, b oauth.Key) int {
		return a.CreatedAt.Compare(b.CreatedAt)
	}), ctx.Err()
}

func (s *shelf) PutKey(ctx context.Context, k oauth.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[string]oauth.Key{}
	}
	s.rows[k.ID] = k
	return ctx.Err()
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *shelf) readings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// clock is wound by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func secret(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func config(s *shelf, c *clock, edits ...func(*keyring.Config)) keyring.Config {
	config := keyring.Config{
		Store: s, System: [][]byte{secret(1)}, Now: c.Now, Log: slog.New(slog.DiscardHandler),
		Algs: []string{keyring.ES256},
	}
	for _, edit := range edits {
		edit(&config)
	}
	return config
}

func open(t testing.TB, c keyring.Config) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func both(c *keyring.Config) { c.Algs = nil }

// sign returns a JWT and the ID of the key that signed it.
func sign(t testing.TB, k *keyring.Keyring, alg string) (token, kid string) {
	t.Helper()
	token, err := k.SignJWT(t.Context(), alg, "JWT", map[string]any{"sub": "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return token, header(t, token)["kid"].(string)
}

func verify(t testing.TB, k *keyring.Keyring, token string) error {
	t.Helper()
	var claims struct{ Sub string }
	err := k.VerifyJWT(t.Context(), token, "JWT", nil, &claims)
	if err == nil && claims.Sub != "ada" {
		t.Errorf("sub %q", claims.Sub)
	}
	return err
}

func published(k *keyring.Keyring) (kids []string) {
	for _, key := range k.JWKS().Keys {
		kids = append(kids, key.KeyID)
	}
	return kids
}

func TestFirstStart(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c, both))
	if len(s.rows) != 3 || len(k.JWKS().Keys) != 2 {
		t.Fatalf("%d keys, %d published", len(s.rows), len(k.JWKS().Keys))
	}
	for _, alg := range []string{keyring.ES256, keyring.RS256, ""} {
		if token, _ := sign(t, k, alg); verify(t, k, token) != nil {
			t.Errorf("%q: %v", alg, verify(t, k, token))
		}
	}
	id, key := k.TokenKey()
	if len(key) != 32 {
		t.Errorf("token key of %d bytes", len(key))
	}
	row, ok := s.rows[fmt.Sprintf("%x", id)]
	if !ok || row.Use != oauth.UseToken || row.Alg != keyring.HS256 || bytes.Contains(row.Sealed, key) {
		t.Errorf("token key %x is kept as %+v", id, row)
	}
	before := len(s.rows)
	again := open(t, config(s, c, both))
	if len(s.rows) != before {
		t.Error("the second start makes keys")
	}
	if id2, key2 := again.TokenKey(); id2 != id || !bytes.Equal(key, key2) {
		t.Error("the second start uses another key")
	}
}

func TestOpenRefuses(t *testing.T) {
	s, c := &shelf{}, newClock()
	open(t, config(s, c))
	for name, edit := range map[string]func(*keyring.Config){
		"no secret":        func(c *keyring.Config) { c.System = nil },
		"a short secret":   func(c *keyring.Config) { c.System = [][]byte{secret(1), secret(1)[:31]} },
		"another secret":   func(c *keyring.Config) { c.System = [][]byte{secret(2)} },
		"HMAC signing":     func(c *keyring.Config) { c.Algs = []string{keyring.HS256} },
		"no signing":       func(c *keyring.Config) { c.Algs = []string{"none"} },
		"a store in ruins": func(c *keyring.Config) { c.Store = &shelf{down: errors.New("down")} },
	} {
		if _, err := keyring.Open(t.Context(), config(s, c, edit)); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// TestRowsAreWhatTheyAre: who can write the table cannot pass one key off as
// another, or bring one of their own.
func TestRowsAreWhatTheyAre(t *testing.T) {
	for name, edit := range map[string]func(*oauth.Key){
		"use":     func(k *oauth.Key) { k.Use = oauth.UseToken + k.Use },
		"alg":     func(k *oauth.Key) { k.Alg = keyring.RS256 },
		"id":      func(k *oauth.Key) { k.ID = "0" + k.ID[1:] },
		"sealed":  func(k *oauth.Key) { k.Sealed = append(slices.Clone(k.Sealed[:20]), k.Sealed[21:]...) },
		"nothing": func(k *oauth.Key) { k.Sealed = nil },
	} {
		s, c := &shelf{}, newClock()
		open(t, config(s, c))
		for id, row := range s.rows {
			edit(&row)
			delete(s.rows, id)
			s.rows[row.ID] = row
		}
		if _, err := keyring.Open(t.Context(), config(s, c)); err == nil {
			t.Errorf("%s: another one is accepted", name)
		}
	}
}

func TestReplicasThatStartAtOnceAgree(t *testing.T) {
	s, c := &shelf{}, newClock()
	rings := make([]*keyring.Keyring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() { rings[i] = open(t, config(s, c)) })
	}
	wg.Wait()
	for _, a := range rings { // at once, by learning
		token, _ := sign(t, a, "")
		id, key := a.TokenKey()
		c.Advance(5 * time.Second)
		for i, b := range rings {
			if err := verify(t, b, token); err != nil {
				t.Errorf("ring %d: %v", i, err)
			}
			if got, err := b.TokenKeyByID(t.Context(), id); err != nil || !bytes.Equal(got, key) {
				t.Errorf("ring %d: %v", i, err)
			}
		}
	}
	tokenIDs, kids := map[[4]byte]bool{}, map[string]bool{}
	for _, k := range rings {
		if err := k.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		id, _ := k.TokenKey()
		_, kid := sign(t, k, "")
		tokenIDs[id], kids[kid] = true, true
	}
	if len(tokenIDs) != 1 || len(kids) != 1 {
		t.Errorf("%d token keys and %d signing keys are in use", len(tokenIDs), len(kids))
	}
}

func TestRingDoesNotPrint(t *testing.T) {
	s, c := &shelf{}, newClock()
	config := config(s, c, func(c *keyring.Config) {
		c.System = [][]byte{[]byte("a system secret of thirty-two by")}
	})
	k := open(t, config)
	_, key := k.TokenKey()
	printed := fmt.Sprintf("%v %+v %#v %s %v %+v %#v %s", k, k, k, k, config, config, config, config)
	if strings.Contains(printed, "97 32 115") || strings.Contains(printed, "a system") ||
		strings.Contains(printed, strings.Trim(fmt.Sprint(key), "[]")) {
		t.Errorf("prints %s", printed)
	}
}

func TestUnknownKeysReadTheStoreSparingly(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	c.Advance(time.Minute)
	before := s.readings()
	for range 1000 {
		if _, err := k.TokenKeyByID(t.Context(), [4]byte{}); !errors.Is(err, devices.ErrNotFound) {
			t.Fatalf("got %v", err)
		}
	}
	if got := s.readings() - before; got != 1 {
		t.Errorf("1000 unknown keys read the store %d times", got)
	}
}

// TestTroubleIsNoUnknownKey: whose token cannot be verified right now must not
// lose a session over it.
func TestTroubleIsNoUnknownKey(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	other := open(t, config(s, c))
	c.Advance(time.Minute)
	row, err := other.Rotate(t.Context(), oauth.UseToken, "")
	if err != nil {
		t.Fatal(err)
	}
	var id [4]byte
	if _, err := fmt.Sscanf(row.ID, "%02x%02x%02x%02x", &id[0], &id[1], &id[2], &id[3]); err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	s.fail(down)
	for range 2 { // the second is not told to the store
		if _, err := k.TokenKeyByID(t.Context(), id); !errors.Is(err, down) || errors.Is(err, devices.ErrNotFound) {
			t.Errorf("got %v, want trouble", err)
		}
	}
	oldID, _ := k.TokenKey()
	if _, err := k.TokenKeyByID(t.Context(), oldID); err != nil {
		t.Errorf("a known key: %v", err)
	}
	s.fail(nil)
	c.Advance(5 * time.Second)
	if _, err := k.TokenKeyByID(t.Context(), id); err != nil {
		t.Errorf("after the trouble: %v", err)
	}
	if err := k.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestEmptiedStore: a ring goes on with what it has.
func TestEmptiedStore(t *testing.T) {
	s, c := &shelf{}, newClock()
	k := open(t, config(s, c))
	id, _ := k.TokenKey()
	s.mu.Lock()
	clear(s.rows)
	s.mu.Unlock()
	if err := k.Reload(t.Context()); err == nil {
		t.Error("an empty store is fine")
	}
	if got, _ := k.TokenKey(); got != id {
		t.Errorf("key %x, want %x", got, id)
	}
	sign(t, k, "")
}
