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
	if u, ok := h.users[strings.ToLower(identifier)]; ok && h.down == nil {
		return u, nil
	}
	return oauth.User{}, errors.Join(h.down, devices.ErrNotFound)
}

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
		oauth.User{Identifier: "zero", PasswordHash: "$argon2id$v=19$m=19456,t=0,p=0$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"})
	a := local.New(h, h.now)
	var logged bytes.Buffer
	a.Log = slog.New(slog.NewTextHandler(&logged, nil))
	for _, identifier := range []string{"old", "huge", "zero"} {
		if _, err := a.Authenticate(t.Context(), identifier, password, home); err == nil || errors.Is(err, local.ErrWrong) {
			t.Errorf("%s hash: %v, want trouble", identifier, err)
		}
	}
	if strings.Count(logged.String(), "compare a password") != 3 || strings.Contains(logged.String(), "Rdesc") {
		t.Errorf("log: %s", &logged)
	}
	down := errors.New("down")
	h.down = down
	for range 10 { // and trouble is nobody's guess
		if _, err := a.Authenticate(t.Context(), "eve", password, home); !errors.Is(err, down) ||
			errors.Is(err, local.ErrWrong) || errors.Is(err, local.ErrSlowDown) {
			t.Fatalf("got %v, want trouble", err)
		}
	}
}

// TestSameCost: how long an answer takes does not tell whom there is.
func TestSameCost(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	took := func(identifier, password string) time.Duration {
		best := time.Hour
		for i := range 7 {
			start := time.Now()
			if _, err := a.Authenticate(t.Context(), identifier, password, fmt.Sprint(identifier, i, len(password))); err == nil {
				t.Fatal("the password is right")
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	reference := took("ada", "incorrect horse")
	if reference < 5*time.Millisecond {
		t.Errorf("a guess costs %s only", reference)
	}
	for name, got := range map[string]time.Duration{
		"unknown":  took("eve", "incorrect horse"),
		"disabled": took("bob", "incorrect horse"),
		"too long": took("ada", strings.Repeat("a", 1<<20)),
		"empty":    took("ada", ""),
	} {
		if ratio := float64(got) / float64(reference); ratio < 0.6 || ratio > 1.7 {
			t.Errorf("%s: %s, a wrong password %s", name, got, reference)
		}
	}
}

func TestTurnsAreBounded(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	a.MaxWait = time.Millisecond
	var wg sync.WaitGroup
	var mu sync.Mutex
	var busy, good int
	for i := range 60 {
		wg.Go(func() {
			_, err := a.Authenticate(t.Context(), "ada", password, fmt.Sprint(i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				good++
			case errors.Is(err, local.ErrBusy) && !errors.Is(err, local.ErrWrong):
				busy++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if busy == 0 || good == 0 {
		t.Errorf("%d busy, %d good", busy, good)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	a.MaxWait = time.Minute
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
	if got := tries(t, 8, a, "ada", "guess", elsewhere); got["wrong"] != 5 || got["slow"] != 3 {
		t.Errorf("eight guesses: %v", got)
	}
	for _, spelling := range []string{"ADA", " Ada ", "aDa"} {
		if got := try(t, a, spelling, "guess", elsewhere); got != "slow" {
			t.Errorf("%q is another guess: %s", spelling, got)
		}
	}
	if got := try(t, a, "ada", password, elsewhere); got != "slow" {
		t.Errorf("the sixth guess, right: %s", got)
	}
	if got := try(t, a, "ada", password, home); got != "in" {
		t.Errorf("ada from elsewhere is kept out by a stranger: %s", got)
	}
	h.advance(30 * time.Second)
	if got := tries(t, 2, a, "ada", "guess", elsewhere); got["wrong"] != 1 || got["slow"] != 1 {
		t.Errorf("after the wait: %v", got)
	}
	h.advance(24 * time.Hour)
	if got := tries(t, 8, a, "ada", "guess", elsewhere); got["wrong"] != 5 {
		t.Errorf("after a day: %v", got)
	}
}

// TestStrangersKeepNobodyOut: many sources guess at ada's password.
func TestStrangersKeepNobodyOut(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	if got := try(t, a, "ada", password, home); got != "in" {
		t.Fatal(got)
	}
	got := map[string]int{}
	for i := range 40 {
		got[try(t, a, "ada", "guess", fmt.Sprint("bot", i))]++
	}
	if got["wrong"] != 30 || got["slow"] != 10 {
		t.Errorf("forty guesses from forty sources: %v", got)
	}
	if got := try(t, a, "ada", password, home); got != "in" {
		t.Errorf("ada at home: %s", got)
	}
	if got := try(t, a, "ada", password, elsewhere); got != "slow" {
		t.Errorf("ada, or another guess, somewhere new: %s", got)
	}
	h.advance(10 * time.Second)
	if got := try(t, a, "ada", password, elsewhere); got != "in" {
		t.Errorf("ada somewhere new, a little later: %s", got)
	}
}

func TestSprayingIsSlowedDown(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	a.MaxWait = time.Minute
	got := map[string]int{}
	for i := range 103 {
		got[try(t, a, fmt.Sprint("subject", i), "Summer2026", elsewhere)]++
	}
	if got["wrong"] != 100 || got["slow"] != 3 {
		t.Errorf("103 subjects: %v", got)
	}
}

// TestSuccessCountsForNothing: a busy office is no attack.
func TestSuccessCountsForNothing(t *testing.T) {
	h := newHouse(t)
	a := local.New(h, h.now)
	if got := tries(t, 110, a, "ada", password, home); got["in"] != 110 {
		t.Errorf("110 sign-ins: %v", got)
	}
	if got := tries(t, 6, a, "ada", "guess", home); got["wrong"] != 5 || got["slow"] != 1 {
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
	if got := strings.Count(strings.Join(results, " "), "wrong"); got != 5 {
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
