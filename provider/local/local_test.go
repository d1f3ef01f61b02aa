package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

const password = "correct horse battery staple"

// house is the subjects of one test, by their identifiers.
type house struct {
	mu    sync.Mutex
	users map[string]oauth.User
	down  error
	at    time.Time
}

func newHouse(t testing.TB, users ...oauth.User) *house {
	t.Helper()
	hash, err := local.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{users: map[string]oauth.User{}, at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	for _, u := range append(users, oauth.User{Identifier: "ada"}, oauth.User{Identifier: "bob", Disabled: true}) {
		u.Subject = "s-" + u.Identifier
		if u.PasswordHash == "" {
			u.PasswordHash = hash
		}
		h.users[u.Identifier] = u
	}
	return h
}

func (h *house) UserByIdentifier(_ context.Context, identifier string) (oauth.User, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down != nil {
		return oauth.User{}, h.down
	}
	if u, ok := h.users[strings.ToLower(identifier)]; ok {
		return u, nil
	}
	return oauth.User{}, devices.ErrNotFound
}

// HeldDevice knows one device of Ada's.
func (h *house) HeldDevice(_ context.Context, identifier string, cookies [][]byte) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down != nil {
		return "", h.down
	}
	for _, cookie := range cookies {
		if strings.EqualFold(identifier, "ada") && string(cookie) == laptop {
			return "d-1", nil
		}
	}
	return "", devices.ErrNotFound
}

// laptop is what the cookie of Ada's device hashes to.
const laptop = "the hash of the laptop's cookie"

func (h *house) User(ctx context.Context, subject string) (oauth.User, error) {
	return h.UserByIdentifier(ctx, strings.TrimPrefix(subject, "s-"))
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

const home, elsewhere = "192.0.2.0/24", "198.51.100.0/24"

func TestAuthenticate(t *testing.T) {
	h := newHouse(t, oauth.User{Identifier: "nopw", PasswordHash: "-"})
	for name, u := range h.users {
		if u.PasswordHash == "-" {
			u.PasswordHash = ""
			h.users[name] = u
		}
	}
	a := local.New(h, h.now)
	for _, tc := range []struct {
		name, identifier, password string
		want                       error
	}{
		{"right", "ada", password, nil},
		{"right in another case", "ADA", password, nil},
		{"right with white space around the name", " ada\t", password, nil},
		{"another password", "ada", "incorrect horse", local.ErrWrong},
		{"another case", "ada", strings.ToUpper(password), local.ErrWrong},
		{"white space around the password", "ada", password + " ", local.ErrWrong},
		{"no password", "ada", "", local.ErrWrong},
		{"a password that is too long", "ada", strings.Repeat("a", local.MaxPassword+1), local.ErrWrong},
		{"an unknown subject", "eve", password, local.ErrWrong},
		{"no subject", "", password, local.ErrWrong},
		{"nothing", "", "", local.ErrWrong},
		{"a subject without a password", "nopw", "", local.ErrWrong},
		{"a disabled subject", "bob", password, local.ErrWrong},
		{"a disabled subject's wrong password", "bob", "incorrect horse", local.ErrWrong},
	} {
		u, err := a.Authenticate(t.Context(), tc.identifier, tc.password, tc.name)
		if !errors.Is(err, tc.want) || (err == nil) != (u.Subject == "s-ada") {
			t.Errorf("%s: %q, %v", tc.name, u.Subject, err)
		}
		if got, want := errors.Is(err, local.ErrDisabled), tc.name == "a disabled subject"; got != want {
			t.Errorf("%s: told to be disabled: %t", tc.name, got)
		}
	}
}

func TestTroubleIsNotWrong(t *testing.T) {
	h := newHouse(t, oauth.User{Identifier: "old", PasswordHash: "$2a$10$bcrypt"},
		oauth.User{Identifier: "huge", PasswordHash: "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"},
		oauth.User{Identifier: "no passes", PasswordHash: "$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"},
		oauth.User{Identifier: "no lanes", PasswordHash: "$argon2id$v=19$m=19456,t=1,p=0$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"})
	a := local.New(h, h.now)
	var logged bytes.Buffer
	a.Log = slog.New(slog.NewTextHandler(&logged, nil))
	for _, identifier := range []string{"old", "huge", "no passes", "no lanes"} {
		if _, err := a.Authenticate(t.Context(), identifier, password, home); err == nil || errors.Is(err, local.ErrWrong) {
			t.Errorf("%s hash: %v, want trouble", identifier, err)
		}
	}
	if strings.Count(logged.String(), "compare a password") != 4 || strings.Contains(logged.String(), "Rdesc") {
		t.Errorf("log: %s", &logged)
	}
	down := errors.New("down")
	h.down = down
	for range 20 { // and trouble is nobody's guess
		if _, err := a.Authenticate(t.Context(), "eve", password, home); !errors.Is(err, down) ||
			errors.Is(err, local.ErrWrong) || errors.Is(err, local.ErrSlowDown) {
			t.Fatalf("got %v, want trouble", err)
		}
	}
}

// TestSameCost: how long an answer takes does not tell whom there is. The best
// times are compared, over as many rounds as a busy machine needs.
func TestSameCost(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	cases := []struct{ name, identifier, password string }{
		{"wrong", "ada", "incorrect horse"},
		{"unknown", "eve", "incorrect horse"},
		{"disabled", "bob", "incorrect horse"},
		{"too long", "ada", strings.Repeat("a", 1<<20)},
		{"empty", "ada", ""},
	}
	best := make([]time.Duration, len(cases))
	for round := range 20 {
		for i, c := range cases {
			start := time.Now()
			_, err := a.Authenticate(t.Context(), c.identifier, c.password, fmt.Sprint(i))
			took := time.Since(start)
			if !errors.Is(err, local.ErrWrong) {
				t.Fatalf("%s: %v", c.name, err)
			}
			if best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
		h.advance(time.Minute)
		if round > 1 && slices.Max(best) < slices.Min(best)*6/5 {
			break
		}
	}
	if slices.Max(best) > slices.Min(best)*3/2 || best[0] < 5*time.Millisecond {
		t.Errorf("%v took %v", cases[:3], best)
	}
}

func TestTurnsAreBounded(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	a.Hashing = hashing.New(1)
	a.Hashing.MaxWait = time.Millisecond
	var wg sync.WaitGroup
	var mu sync.Mutex
	var busy, done int
	for i := range 40 {
		wg.Go(func() {
			_, err := a.Authenticate(t.Context(), fmt.Sprint("subject", i), password, fmt.Sprint(i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, local.ErrWrong):
				done++
			case errors.Is(err, local.ErrBusy):
				busy++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if busy == 0 || done == 0 {
		t.Errorf("%d busy, %d done", busy, done)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	a.Hashing.MaxWait = time.Minute
	for range 20 { // whoever hangs up before their turn has not guessed
		_, err := a.Authenticate(gone, "ada", password, "gone")
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

func TestHashPassword(t *testing.T) {
	hash, err := local.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	if right, err := argon2id.ComparePasswordAndHash(password, hash); err != nil || !right {
		t.Errorf("%t, %v", right, err)
	}
	for _, bad := range []string{"", strings.Repeat("a", local.MaxPassword+1)} {
		if hash, err := local.HashPassword(bad); err == nil {
			t.Errorf("%d bytes: %s", len(bad), hash)
		}
	}
}

// try is one attempt whose outcome is one of three words.
func try(t *testing.T, a *local.Authenticator, identifier, password, source string) string {
	t.Helper()
	_, err := a.Authenticate(t.Context(), identifier, password, source)
	var slow local.SlowDown
	switch {
	case err == nil:
		return "in"
	case errors.Is(err, local.ErrWrong):
		return "wrong"
	case errors.As(err, &slow) && slow.RetryAfter > 0 && slow.RetryAfter <= time.Minute:
		return "slow"
	default:
		return err.Error()
	}
}

func tries(t *testing.T, n int, a *local.Authenticator, identifier, password, source string) map[string]int {
	t.Helper()
	got := map[string]int{}
	for range n {
		got[try(t, a, identifier, password, source)]++
	}
	return got
}

func TestGuessingIsSlowedDown(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	if got := tries(t, 13, a, "ada", "guess", elsewhere); got["wrong"] != 10 || got["slow"] != 3 {
		t.Errorf("thirteen guesses: %v", got)
	}
	for _, spelling := range []string{"ADA", " Ada ", "aDa"} {
		if got := try(t, a, spelling, "guess", elsewhere); got != "slow" {
			t.Errorf("%q is another guess: %s", spelling, got)
		}
	}
	if got := try(t, a, "ada", password, elsewhere); got != "slow" {
		t.Errorf("the next guess, right: %s", got)
	}
	if got := try(t, a, "ada", password, home); got != "in" {
		t.Errorf("ada from elsewhere is kept out by a stranger: %s", got)
	}
	h.advance(30 * time.Second)
	if got := tries(t, 2, a, "ada", "guess", elsewhere); got["wrong"] != 1 || got["slow"] != 1 {
		t.Errorf("after the wait: %v", got)
	}
	h.advance(24 * time.Hour)
	if got := tries(t, 13, a, "ada", "guess", elsewhere); got["wrong"] != 10 {
		t.Errorf("after a day: %v", got)
	}
}

// TestSuccessCountsForNothing: a busy office is no attack.
func TestSuccessCountsForNothing(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	if got := tries(t, 12, a, "ada", password, home); got["in"] != 12 {
		t.Errorf("twelve sign-ins: %v", got)
	}
	if got := tries(t, 11, a, "ada", "guess", home); got["wrong"] != 10 || got["slow"] != 1 {
		t.Errorf("a good source may guess as little as others: %v", got)
	}
}

// TestManyAtOnceAreAsMany: guesses do not slip through together.
func TestManyAtOnceAreAsMany(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	results := make([]string, 30)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = try(t, a, "ada", "guess", elsewhere) })
	}
	wg.Wait()
	slices.Sort(results)
	if got := strings.Count(strings.Join(results, " "), "wrong"); got != 10 {
		t.Errorf("%d of 30 guesses at once were looked at: %v", got, results)
	}
}

func ExampleAuthenticator() {
	hash, err := local.HashPassword("correct horse battery staple")
	if err != nil {
		fmt.Println(err)
		return
	}
	h := &house{users: map[string]oauth.User{"ada": {Subject: "s-ada", PasswordHash: hash}}}
	a := local.New(h, h.now)
	user, err := a.Authenticate(context.Background(), "Ada", "correct horse battery staple", home)
	fmt.Println(user.Subject, err)
	_, err = a.Authenticate(context.Background(), "Eve", "correct horse battery staple", home)
	fmt.Println(err)
	// Output:
	// s-ada <nil>
	// wrong identifier or password
}

// While strangers guess, a server on which the owner has not signed in yet lets
// in the browser that holds the cookie of one of the owner's devices. A copied
// cookie is good for a few guesses.
func TestADeviceSpeaksForItsOwner(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	try := func(password, source string, cookies ...[]byte) error {
		_, err := a.Authenticate(t.Context(), "Ada", password, source, cookies...)
		return err
	}
	for i := range 40 {
		_ = try("a guess", fmt.Sprint("stranger ", i)) // wrong, or too many
	}
	if err := try(password, home); !errors.Is(err, local.ErrSlowDown) {
		t.Fatalf("without a cookie: %v", err)
	}
	if err := try(password, home, []byte("another's")); !errors.Is(err, local.ErrSlowDown) {
		t.Errorf("with another's cookie: %v", err)
	}
	if err := try(password, home, []byte("another's"), []byte(laptop)); err != nil {
		t.Errorf("with the device's cookie: %v", err)
	}
	guesses := 0
	for i := range 100 {
		if err := try("a guess", fmt.Sprint("thief ", i), []byte(laptop)); errors.Is(err, local.ErrWrong) {
			guesses++
		} else if !errors.Is(err, local.ErrSlowDown) {
			t.Fatal(err)
		}
	}
	if guesses != 10 {
		t.Errorf("a copied cookie is good for %d guesses, want 10", guesses)
	}
	h.mu.Lock()
	h.down = errors.New("down")
	h.mu.Unlock()
	if err := try(password, elsewhere, []byte(laptop)); err == nil || errors.Is(err, local.ErrSlowDown) || errors.Is(err, local.ErrWrong) {
		t.Errorf("with the store down: %v", err)
	}
}
