package kratos_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks"
	"github.com/lanyard-id/lanyard/hooks/kratos"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

const key = "a key of these tests"

// house is the hooks behind their door, on a real store.
type house struct {
	t     *testing.T
	clock *devicestest.Clock
	store *store.Store
	hooks *kratos.Hooks
	at    string
}

func open(t *testing.T) *house {
	t.Helper()
	url := sqlitetest.Fresh(t)
	h := &house{t: t, clock: &devicestest.Clock{}}
	var err error
	if h.store, err = store.Open(t.Context(), url, store.WithNow(h.clock.Now)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	h.hooks = &kratos.Hooks{
		Registry: &devices.Registry{
			Store: h.store, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now, NewID: rand.Text,
		},
		Ties: h.store, Observer: observe.New(observe.Config{Now: h.clock.Now}), Deadline: 10 * time.Second,
		Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
	mux := http.NewServeMux()
	h.hooks.Mount(mux)
	server := httptest.NewServer(hooks.Guard(mux, accesskey.New(accesskey.Config{Now: h.clock.Now,
		Keys: []string{"an older key", key}, Source: func(*http.Request) string { return rand.Text() }, // each from elsewhere
	})))
	t.Cleanup(server.Close)
	h.at = server.URL
	return h
}

// recorded returns what a real Kratos v1.3.1 posted.
func recorded(t *testing.T, name string, edits ...string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+"_v1.3.1.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(edits); i += 2 {
		if !bytes.Contains(body, []byte(edits[i])) {
			t.Fatalf("%s has no %q", name, edits[i])
		}
		body = bytes.ReplaceAll(body, []byte(edits[i]), []byte(edits[i+1]))
	}
	return body
}

// post posts to a hook and returns the answer.
func (h *house) post(path, with string, body io.Reader) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.at+"/hooks/kratos/"+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set(hooks.KeyHeader, with)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

// goesOn posts what must let a flow go on.
func (h *house) goesOn(path string, body []byte) {
	h.t.Helper()
	if status, text := h.post(path, key, bytes.NewReader(body)); status != http.StatusOK || text != "{}" {
		h.t.Fatalf("%s: %d %s, want 200 {}", path, status, text)
	}
}

// stops posts what must end a flow with a message.
func (h *house) stops(path string, body []byte, code string) map[string]any {
	h.t.Helper()
	status, text := h.post(path, key, bytes.NewReader(body))
	var said struct {
		Messages []struct {
			Pointer  string `json:"instance_ptr"`
			Messages []struct {
				ID         int
				Text, Type string
				Context    map[string]any
			}
		}
	}
	err := json.Unmarshal([]byte(text), &said)
	if status != http.StatusForbidden || err != nil || len(said.Messages) != 1 || said.Messages[0].Pointer != "#/" ||
		len(said.Messages[0].Messages) != 1 {
		h.t.Fatalf("%s: %d %s (%v)", path, status, text, err)
	}
	m := said.Messages[0].Messages[0]
	if m.Context["code"] != code || m.Type != "error" || m.Text == "" || m.ID == 0 {
		h.t.Errorf("%s says %+v, want %s", path, m, code)
	}
	return m.Context
}

func (h *house) devices(subject string) []devices.Device {
	h.t.Helper()
	list, err := h.store.Devices(h.t.Context(), subject)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *house) one(subject string) devices.Device {
	h.t.Helper()
	list := h.devices(subject)
	if len(list) != 1 {
		h.t.Fatalf("%d devices, want one: %+v", len(list), list)
	}
	return list[0]
}

// identity returns who a recorded body is of.
func identity(t *testing.T, body []byte) string {
	t.Helper()
	var b struct{ Identity string }
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatal(err)
	}
	return b.Identity
}

func TestNobodyWithoutTheKeyIsRead(t *testing.T) {
	h := open(t)
	body := recorded(t, "login_browser")
	for _, with := range []string{"", "wrong", key + "x", strings.ToUpper(key)} {
		for _, path := range []string{"login", "registration", "recovery", "settings", "verification", "nothing"} {
			if status, text := h.post(path, with, bytes.NewReader(body)); status != http.StatusUnauthorized || text != "" {
				t.Errorf("%s with %q: %d %s", path, with, status, text)
			}
		}
	}
	if list := h.devices(identity(t, body)); len(list) != 0 {
		t.Errorf("without a key a device was met: %+v", list)
	}
	if status, _ := h.post("login", "an older key", bytes.NewReader(body)); status != http.StatusOK {
		t.Errorf("with the older key: %d", status)
	}
}

func TestGarbageChangesNothing(t *testing.T) {
	h := open(t)
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"nothing":               {"", http.StatusBadRequest},
		"no JSON":               {"nonsense", http.StatusBadRequest},
		"a list":                {"[]", http.StatusBadRequest},
		"cut off":               {`{"identity":"ada"`, http.StatusBadRequest},
		"two":                   {`{}{}`, http.StatusBadRequest},
		"a number for a name":   {`{"identity":1}`, http.StatusBadRequest},
		"headers of numbers":    {`{"identity":"ada","headers":{"User-Agent":[1]}}`, http.StatusBadRequest},
		"a time that is none":   {`{"identity":"ada","session":{"issued_at":"yesterday"}}`, http.StatusBadRequest},
		"text no database has":  {`{"identity":"a\u0000da"}`, http.StatusBadRequest},
		"too much":              {`{"identity":"ada","x":"` + strings.Repeat("a", 256<<10) + `"}`, http.StatusBadRequest},
		"too deep":              {strings.Repeat("[", 100_000), http.StatusBadRequest},
		"null":                  {"null", http.StatusOK},
		"nobody":                {"{}", http.StatusOK},
		"an identity of nobody": {`{"identity":null,"session":null,"headers":null}`, http.StatusOK},
	} {
		for _, path := range []string{"login", "registration", "recovery", "settings"} {
			status, text := h.post(path, key, strings.NewReader(tt.body))
			if path == "settings" && strings.Contains(tt.body, `\u0000`) && status == http.StatusOK {
				continue // nobody of that name has a device
			}
			if status != tt.want {
				t.Errorf("%s at %s: %d %s, want %d", name, path, status, text, tt.want)
			}
		}
	}
	for _, subject := range []string{"ada", "", "a\x00da"} {
		if list, err := h.store.Devices(t.Context(), subject); err == nil && len(list) != 0 {
			t.Errorf("garbage met a device: %+v", list)
		}
	}
}

// What is missing is not known; who is there is met all the same.
func TestFieldsMayBeMissing(t *testing.T) {
	h := open(t)
	h.goesOn("login", []byte(`{"identity":"ada"}`))
	h.goesOn("login", []byte(`{"identity":"ada","device":{"id":"too short"},"device_cookie":"nonsense","session":{"devices":[]}}`))
	ties, err := h.store.DeviceTies(t.Context(), h.one("ada").ID)
	for _, tie := range ties {
		if !strings.HasPrefix(tie.Ref, "ada@~2026-11-23T09:00:00Z#") {
			t.Errorf("a session of an unknown time is tied as %s", tie.Ref)
		}
	}
	if err != nil || len(ties) == 0 {
		t.Errorf("ties: %+v (%v)", ties, err)
	}
	if d := h.one("ada"); d.Tier != devices.TierFingerprint || len(d.CookieHash) != 0 {
		t.Errorf("it is %+v", d)
	}
	h.goesOn("login", []byte(`{"identity":"bea","headers":{"user-agent":"`+devicestest.PhoneHeaders().Get("User-Agent")+`"}}`))
	if d := h.one("bea"); d.Fingerprint[devices.SignalOS] != "iOS" {
		t.Errorf("a header that is one text, in small letters, was not read: %+v", d.Fingerprint)
	}
}

func TestRecordedSignIns(t *testing.T) {
	h := open(t)
	for _, tt := range []struct {
		name, path string
		tier       devices.Tier
		os, model  string
		address    string
		tie        devices.TieKind
		ref        string
	}{
		{"login_browser", "login", devices.TierCookie, "Windows", "", "127.0.0.1", devices.TieKratosNew, "@2026"},
		{"login_app", "login", devices.TierCookie, "Android", "Pixel 9", "127.0.0.1", devices.TieKratosNew, "@2026"},
		{"login_again", "login", devices.TierFingerprint, "Windows", "", "127.0.0.1", devices.TieKratosSession, "-"},
		{"registration", "registration", devices.TierFingerprint, "Windows", "", "", devices.TieKratosNew, "@~"},
		{"recovery", "recovery", devices.TierFingerprint, "iOS", "iPhone", "", devices.TieKratosNew, "@~"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.t = t
			// Each of them is somebody of their own.
			body := bytes.ReplaceAll(recorded(t, tt.name), []byte(identity(t, recorded(t, tt.name))), []byte(tt.name))
			h.goesOn(tt.path, body)
			h.goesOn(tt.path, body) // Kratos asks again when an answer is lost
			d := h.one(tt.name)
			address := ""
			if d.Last.Addr.IsValid() {
				address = d.Last.Addr.String()
			}
			got := []any{d.Tier, d.Fingerprint[devices.SignalOS], d.Fingerprint[devices.SignalModel], address, d.Entrance}
			if diff := cmp.Diff([]any{tt.tier, tt.os, tt.model, tt.address, devices.EntranceKratos}, got); diff != "" {
				t.Error(diff)
			}
			ties, err := h.store.DeviceTies(t.Context(), d.ID)
			if err != nil || len(ties) == 0 || ties[0].Kind != tt.tie || !strings.Contains(ties[0].Ref, tt.ref) {
				t.Errorf("tied: %+v (%v)", ties, err)
			}
		})
	}
	h.t = t
	h.goesOn("verification", recorded(t, "verification"))
	if list := h.devices(identity(t, recorded(t, "verification"))); len(list) != 0 {
		t.Errorf("verifying an address met a device: %+v", list)
	}
}

// Of the addresses that Kratos keeps with a session, the last is the current
// one.
func TestTheLastAddressCounts(t *testing.T) {
	h := open(t)
	body := bytes.Replace(recorded(t, "login_again"), []byte(`"127.0.0.1:`), []byte(`"198.51.100.7:`), 1)
	h.goesOn("login", body)
	if d := h.one(identity(t, body)); d.Last.Addr.String() != "127.0.0.1" {
		t.Errorf("it came from %s", d.Last.Addr)
	}
}

// hydra knows one login challenge, like a Hydra's admin API.
type hydra struct{ known, sid, skips string }

func (y hydra) LoginSession(_ context.Context, challenge, subject string) (string, error) {
	switch {
	case challenge != y.known:
		return "", errors.New("no such challenge")
	case y.skips != "" && y.skips != subject:
		return "", nil
	}
	return y.sid, nil
}

func TestHydrasLoginSessionIsTied(t *testing.T) {
	h := open(t)
	body := recorded(t, "login_for_hydra")
	var b struct {
		Flow struct {
			Challenge string `json:"login_challenge"`
		}
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatal(err)
	}
	h.hooks.Logins = hydra{known: "another"}
	h.goesOn("login", body) // not to know is no reason to keep anybody out
	h.hooks.Logins = hydra{b.Flow.Challenge, "theirs", "somebody else"}
	h.goesOn("login", body)
	if tie, err := h.store.Tie(t.Context(), devices.TieHydraLogin, "theirs"); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("somebody else's login session is tied: %+v (%v)", tie, err)
	}
	h.hooks.Logins = hydra{b.Flow.Challenge, "a sid", identity(t, body)}
	h.goesOn("login", body)
	tie, err := h.store.Tie(t.Context(), devices.TieHydraLogin, "a sid")
	if err != nil || tie.DeviceID != h.one(identity(t, body)).ID {
		t.Errorf("tied: %+v (%v)", tie, err)
	}
}
