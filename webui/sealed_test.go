package webui

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/seal"
	"github.com/lanyard-id/lanyard/webui/records"
)

// elsewhere are pages that sign in at another provider.
func elsewhere(t *testing.T) (*UI, *devicestest.Clock) {
	t.Helper()
	sealer, err := seal.New([][]byte{bytes.Repeat([]byte("key!"), 8)})
	if err != nil {
		t.Fatal(err)
	}
	clock := &devicestest.Clock{}
	u, err := New(Config{Issuer: "https://id.example", Sealer: sealer, Now: clock.Now, Client: Client{Issuer: "https://op.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return u, clock
}

// sends returns a request with the cookies that an answer set.
func sends(w *httptest.ResponseRecorder, target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

// The ID token is kept for one session and for as long as that.
func TestHintIsBoundToItsSession(t *testing.T) {
	u, clock := elsewhere(t)
	token := strings.Repeat("eyJhbGciOiJSUzI1NiIsImtpZCI6InRoZSBrZXkifQ.", 40)
	w := httptest.NewRecorder()
	u.keepHint(w, records.Session{ID: "one"}, token)
	r := sends(w, "/devices")
	if got := u.hint(r, records.Session{ID: "one"}); got != token {
		t.Errorf("the hint is %q", got)
	}
	if strings.Contains(r.Header.Get("Cookie"), "eyJ") {
		t.Error("it can be read")
	}
	if got := u.hint(r, records.Session{ID: "two"}); got != "" {
		t.Errorf("another session's hint: %q", got)
	}
	clock.Advance(sessionAbsolute)
	if got := u.hint(r, records.Session{ID: "one"}); got != "" {
		t.Errorf("after the session: %q", got)
	}
}

// An attempt counts for ten minutes, for the issuer that it began at, for its
// own state, and as it was sealed.
func TestAttemptsAreSealed(t *testing.T) {
	u, clock := elsewhere(t)
	w := httptest.NewRecorder()
	at := clock.Now()
	value := []byte(`{"s":"state","b":"/devices","t":"` + at.Format(time.RFC3339Nano) + `"}`)
	if err := u.sealCookie(w, "pages_attempt", attemptPurpose, u.way.issuer(), value, attemptFor, http.SameSiteLaxMode); err != nil {
		t.Fatal(err)
	}
	good := sends(w, "/devices/callback?state=state")
	if a, err := u.attempted(good); err != nil || a.State != "state" {
		t.Fatalf("%+v, %v", a, err)
	}
	plain := httptest.NewRequest(http.MethodGet, "/devices/callback?state=state", nil)
	plain.AddCookie(&http.Cookie{Name: u.cookieName("pages_attempt"), Value: "eyJzIjoic3RhdGUiLCJmIjp0cnVlfQ"})
	asHint := httptest.NewRecorder()
	u.keepHint(asHint, records.Session{ID: u.way.issuer()}, string(value))
	hinted := sends(asHint, "/devices/callback?state=state")
	hinted.Header.Set("Cookie", strings.Replace(hinted.Header.Get("Cookie"), "pages_hint", "pages_attempt", 1))
	other, _ := elsewhere(t)
	other.way.(*relyingParty).Issuer = "https://other.example"
	for name, try := range map[string]func() error{
		"plain":           func() error { _, err := u.attempted(plain); return err },
		"another state":   func() error { _, err := u.attempted(sends(w, "/devices/callback?state=other")); return err },
		"another purpose": func() error { _, err := u.attempted(hinted); return err },
		"another issuer":  func() error { _, err := other.attempted(good); return err },
		"no cookie":       func() error { _, err := u.attempted(httptest.NewRequest("GET", "/?state=state", nil)); return err },
	} {
		if err := try(); !errors.Is(err, errAttempt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	clock.Advance(attemptFor + time.Second)
	if _, err := u.attempted(good); !errors.Is(err, errAttempt) {
		t.Errorf("after ten minutes: %v", err)
	}
}

// The other server's word decides whether a sign-in is of this attempt.
func TestProven(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		authTime time.Time
		undated  bool
		exact    time.Duration
		want     bool
	}{
		"before":                     {at.Add(-time.Second), false, 0, false},
		"at that moment":             {at, false, 0, true},
		"after":                      {at.Add(time.Minute), false, 0, true},
		"undated":                    {at.Add(time.Minute), true, 0, false},
		"here, in the second before": {at.Add(-time.Second), false, time.Second, false},
		"here, in the same second":   {at, false, time.Second, true},
	} {
		a := attempt{At: at, Fresh: true}
		p := proof{session: records.Session{AuthTime: c.authTime}, undated: c.undated, exact: c.exact}
		if a.proven(p) != c.want || a.stale(p) == c.want {
			t.Errorf("%s: proven %v, stale %v", name, a.proven(p), a.stale(p))
		}
		a.Fresh = false // what was asked for proves nothing
		if a.proven(p) != c.want || a.stale(p) {
			t.Errorf("%s, not asked for: proven %v", name, a.proven(p))
		}
	}
}

// Clocks that may agree are taken to; others are compared by the Date of the
// answer, in the sense that makes a sign-in older.
func TestClocksOfTwoServers(t *testing.T) {
	asked := time.Date(2026, 11, 23, 12, 0, 5, 300e6, time.UTC)
	answered := asked.Add(100 * time.Millisecond)
	for name, c := range map[string]struct {
		date time.Time
		want time.Duration
	}{
		"none":               {time.Time{}, 0},
		"the same second":    {asked.Truncate(time.Second), 0},
		"ten seconds ahead":  {asked.Truncate(time.Second).Add(10 * time.Second), 10700 * time.Millisecond},
		"ten seconds behind": {asked.Truncate(time.Second).Add(-10 * time.Second), -9300 * time.Millisecond},
	} {
		if got := ahead(c.date, asked, answered); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := ourTime(asked.Add(10*time.Second), 4*time.Second, asked); !got.Equal(asked) {
		t.Errorf("a sign-in of the future is at %s", got)
	}
	if got := ourTime(asked, -4*time.Second, asked.Add(time.Minute)); !got.Equal(asked.Add(4 * time.Second)) {
		t.Errorf("a slow clock's sign-in is at %s", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := nextSecond(ctx, asked); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for nobody: %v", err)
	}
	if next, err := nextSecond(t.Context(), asked.Add(690*time.Millisecond)); err != nil || !next.Equal(asked.Truncate(time.Second).Add(time.Second)) {
		t.Errorf("the next second is %s, %v", next, err)
	}
}
