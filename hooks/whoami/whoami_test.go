package whoami_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/whoami"
)

// kratos answers as Kratos v1.3.1 was seen to; the real one is in e2e/ory.
type kratos struct {
	status int
	body   string
	asked  []string
	cookie string
}

func (k *kratos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.asked, k.cookie = append(k.asked, r.Method+" "+r.URL.RequestURI()), r.Header.Get("Cookie")
	if r.URL.Path == "/self-service/logout" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(k.status)
	_, _ = io.WriteString(w, k.body)
}

func open(t *testing.T, k *kratos) *whoami.Client {
	t.Helper()
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	return &whoami.Client{URL: server.URL + "/", HTTP: &http.Client{Timeout: 5 * time.Second}}
}

// browser is a request with these cookies.
func browser(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/devices", nil)
	if len(cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	return r
}

const session = `{"id":"s-1","active":true,"authenticated_at":"2026-11-23T15:42:16.123456Z","issued_at":"2026-11-23T15:40:00.5Z",
 "authenticator_assurance_level":"aal1","identity":{"id":"ada","state":"active","traits":%s,"verifiable_addresses":[{"value":"ada@example.com"}]}}`

func TestWhoami(t *testing.T) {
	is := whoami.Session{
		ID: "s-1", Subject: "ada", AuthTime: time.Date(2026, 11, 23, 15, 42, 16, 123456000, time.UTC),
		IssuedAt: time.Date(2026, 11, 23, 15, 40, 0, 500000000, time.UTC),
	}
	for traits, name := range map[string]string{
		`{"email":"ada@example.com"}`:                "ada@example.com",
		`{"name":"Ada Lovelace"}`:                    "Ada Lovelace",
		`{"name":{"first":"Ada","last":"Lovelace"}}`: "Ada Lovelace",
		`{"name":{"given":"Ada"}}`:                   "ada@example.com",
		`{"name":7}`:                                 "ada@example.com",
		`null`:                                       "ada@example.com",
	} {
		k := &kratos{status: http.StatusOK, body: strings.Replace(session, "%s", traits, 1)}
		got, err := open(t, k).Whoami(browser("other=secret", "ory_kratos_session=a==", "lanyard_device=secret"))
		want := is
		want.Name, want.Clock = name, got.Clock
		if age := time.Since(got.Clock); age < -time.Minute || age > time.Minute {
			t.Errorf("Kratos' clock: %s", got.Clock)
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", traits, err, diff)
		}
		if diff := cmp.Diff([]string{"GET /sessions/whoami"}, k.asked); diff != "" || k.cookie != "ory_kratos_session=a==" {
			t.Errorf("asked %s with %s", diff, k.cookie)
		}
	}
}

func TestWhoIsNobody(t *testing.T) {
	whole := strings.Replace(session, "%s", "{}", 1)
	trouble := errors.New("trouble")
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"no session":              {401, `{"error":{"code":401,"id":"session_inactive"}}`, devices.ErrNotFound},
		"a second factor":         {403, `{"error":{"code":403,"id":"session_aal2_required"}}`, devices.ErrStepUpRequired},
		"not active":              {200, strings.Replace(whole, "true", "false", 1), devices.ErrNotFound},
		"an identity put aside":   {200, strings.Replace(whole, `"state":"active"`, `"state":"inactive"`, 1), devices.ErrNotFound},
		"a session of nobody":     {200, `{"id":"s-1","active":true}`, devices.ErrNotFound},
		"nothing":                 {200, `{}`, devices.ErrNotFound},
		"no JSON":                 {200, `<html>`, trouble},
		"broken off":              {200, whole[:100], trouble},
		"without end":             {200, `{"id":"` + strings.Repeat("x", 1<<20) + `"}`, trouble},
		"Kratos in trouble":       {500, `{}`, trouble},
		"somewhere else":          {302, ``, trouble},
		"too many":                {429, `{}`, trouble},
		"no such path: no Kratos": {404, ``, trouble},
	} {
		_, err := open(t, &kratos{status: c.status, body: c.body}).Whoami(browser("ory_kratos_session=a"))
		known := errors.Is(err, devices.ErrNotFound) || errors.Is(err, devices.ErrStepUpRequired)
		if err == nil || known == errors.Is(c.want, trouble) || known && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// Without the cookie, or with two of them, Kratos is not asked.
	k := &kratos{status: http.StatusOK, body: whole}
	c := open(t, k)
	for _, cookies := range [][]string{nil, {"ory_kratos_session="}, {"ory_kratos_session=a", "ory_kratos_session=b"}, {"lanyard_pages=x"}} {
		if _, err := c.Whoami(browser(cookies...)); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%v: %v", cookies, err)
		}
		if err := c.Logout(browser(cookies...)); err != nil {
			t.Errorf("logout with %v: %v", cookies, err)
		}
	}
	if len(k.asked) > 0 {
		t.Errorf("asked %v", k.asked)
	}
}

func TestLogout(t *testing.T) {
	k := &kratos{status: http.StatusOK, body: `{"logout_url":"http://kratos/x","logout_token":"a+b&c"}`}
	if err := open(t, k).Logout(browser("ory_kratos_session=a", "x=y")); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /self-service/logout/browser", "GET /self-service/logout?token=a%2Bb%26c"}
	if diff := cmp.Diff(want, k.asked); diff != "" || k.cookie != "ory_kratos_session=a" {
		t.Errorf("%s with %s", diff, k.cookie)
	}
	for status, good := range map[int]bool{401: true, 403: false, 500: false} {
		if err := open(t, &kratos{status: status, body: "{}"}).Logout(browser("ory_kratos_session=a")); (err == nil) != good {
			t.Errorf("%d: %v", status, err)
		}
	}
}
