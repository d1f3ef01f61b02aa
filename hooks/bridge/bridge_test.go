package bridge_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/bridge"
	"github.com/lanyard-id/lanyard/hooks/ory"
	"github.com/lanyard-id/lanyard/seal"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// house is a bridge on a real store, before an admin API that answers as
// Hydra v2.3.0 was seen to (the stories of e2e/ory have the real one).
type house struct {
	t        *testing.T
	clock    *devicestest.Clock
	store    *store.Store
	registry *devices.Registry
	at       string
	request  string // the authorization request that Hydra shows
	sid      string // Hydra's login session, a new one for each sign-in
	first    bool   // the client is the operator's own
	observer *observe.Observer
	status   int    // of Hydra's answers
	skip     bool   // Hydra's session of the browser stands for the sign-in
	accepted string // the device in the session
	rejected string // the error
	// notes are the bridge's cookies for sign-ins, by the browser's secret.
	notes map[string]*http.Cookie
}

func open(t *testing.T) *house {
	t.Helper()
	database := sqlitetest.Fresh(t)
	h := &house{t: t, clock: &devicestest.Clock{}, request: asked, sid: "sid", first: true, status: http.StatusOK, notes: map[string]*http.Cookie{}}
	var err error
	if h.store, err = store.Open(t.Context(), database, store.WithNow(h.clock.Now)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	admin := httptest.NewServer(http.HandlerFunc(h.hydra))
	t.Cleanup(admin.Close)
	h.registry = &devices.Registry{
		Store: h.store, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now, NewID: rand.Text,
	}
	h.observer = observe.New(observe.Config{Now: h.clock.Now})
	sealer, err := seal.New([][]byte{bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	b := &bridge.Bridge{
		Hydra: ory.New(ory.Config{HydraAdmin: admin.URL, HTTP: &http.Client{Timeout: 10 * time.Second}, Now: h.clock.Now}),
		Ties:  h.store, Sealer: sealer, Registry: h.registry, Observer: h.observer,
		Kratos: "https://kratos.example.com", UI: "https://ui.example.com/", Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
	mux := http.NewServeMux()
	b.Mount(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.at = server.URL
	return h
}

func (h *house) hydra(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	if h.status != http.StatusOK {
		w.WriteHeader(h.status)
		return
	}
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/requests/consent"):
		_, _ = fmt.Fprintf(w, `{"challenge":"c","subject":"ada","login_session_id":%q,"requested_scope":["openid"],`+
			`"request_url":%q,"client":{"client_id":"client","metadata":{"first_party":%t}}}`, h.sid, h.request, h.first)
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/requests/login"):
		_, _ = fmt.Fprintf(w, `{"challenge":"c","client":{"client_id":"client"},"request_url":%q,"requested_scope":[],`+
			`"requested_access_token_audience":[],"session_id":%q,"skip":%t,"subject":""}`, h.request, h.sid, h.skip)
	case strings.HasSuffix(r.URL.Path, "/consent/accept"):
		var said struct {
			Session struct {
				Access struct {
					Device string `json:"device_id"`
				} `json:"access_token"`
			}
		}
		if err := json.Unmarshal(body, &said); err != nil {
			h.t.Error(err)
		}
		h.accepted = said.Session.Access.Device
		_, _ = io.WriteString(w, `{"redirect_to":"https://auth.example.com/oauth2/auth?consent_verifier=v"}`)
	case strings.HasSuffix(r.URL.Path, "/consent/reject"):
		var said struct{ Error string }
		if err := json.Unmarshal(body, &said); err != nil {
			h.t.Error(err)
		}
		h.rejected = said.Error
		_, _ = io.WriteString(w, `{"redirect_to":"https://auth.example.com/oauth2/auth?error=e"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// visit goes to a page with Ada's laptop and these cookies.
func (h *house) visit(method, path string, cookies ...*http.Cookie) *http.Response {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.at+path, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	for name, values := range devicestest.LaptopHeaders() {
		r.Header[name] = values
	}
	mine := ""
	for _, c := range cookies {
		r.AddCookie(c)
		if c.Name == "lanyard_bridge" {
			mine = c.Value
		}
	}
	if note := h.notes[mine]; note != nil {
		r.AddCookie(note)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		h.t.Fatal(err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if note := named(answer, "lanyard_bridge_login"); note != nil {
		h.notes[mine] = note
	}
	return answer
}

// leads sees where an answer leads.
func (h *house) leads(answer *http.Response, to string) {
	h.t.Helper()
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != to || answer.Header.Get("Cache-Control") != "no-store" {
		h.t.Fatalf("%d to %q (%s), want %q", answer.StatusCode, got, answer.Header.Get("Cache-Control"), to)
	}
}

func cookie(answer *http.Response) *http.Cookie { return named(answer, "lanyard_device") }

func named(answer *http.Response, name string) *http.Cookie {
	for _, c := range answer.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// begin has a browser with these cookies begin a sign-in as far as Kratos, and
// returns the one that proves it. Hydra shows the sign-in from now on: with a new
// login session, and with the demand for one if the browser is new.
func (h *house) begin(cookies ...*http.Cookie) *http.Cookie {
	h.t.Helper()
	h.request, h.sid = asked, rand.Text()
	begins := asked + "&prompt=login&lanyard_browser="
	if slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == "lanyard_device" }) {
		begins = asked + "&lanyard_browser="
	}
	answer := h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", cookies...)
	to := answer.Header.Get("Location")
	if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, begins) || cookie(answer) != nil {
		h.t.Fatalf("%d to %q, cookies %v", answer.StatusCode, to, answer.Cookies())
	}
	h.request = to
	mine := named(answer, "lanyard_bridge")
	for _, c := range cookies {
		if c.Name == "lanyard_bridge" {
			mine = c
		}
	}
	if mine == nil {
		h.t.Fatal("the browser has no cookie of the bridge")
	}
	h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", append(cookies, mine)...)
	return mine
}

// proves goes where an answer leads for a sign-in, signs in, and comes back for
// consent. Any other answer it returns as it is.
func (h *house) proves(answer *http.Response, cookies ...*http.Cookie) *http.Response {
	h.t.Helper()
	for range 2 { // first for the mark, then for the sign-in
		to := answer.Header.Get("Location")
		if !strings.Contains(to, "lanyard_browser=") {
			break
		}
		h.request, h.sid = to, rand.Text()
		h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", cookies...)
		answer = h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", cookies...)
	}
	return answer
}

// asked is the authorization request as the client makes it.
const asked = "https://auth.example.com/oauth2/auth?client_id=client&state=a%2Fb%20c"

const consented = "https://auth.example.com/oauth2/auth?consent_verifier=v"

// Whatever a challenge says, the browser goes to Kratos, or to its pages.
func TestLoginLeadsToKratosOnly(t *testing.T) {
	h := open(t)
	mine := h.begin()
	for _, challenge := range []string{
		"abc", "https://evil.example.com", "//evil.example.com", "a&return_to=https://evil.example.com", "a#b", "\r\nLocation: https://evil", "é\x00",
	} {
		answer := h.visit(http.MethodGet, "/bridge/login?login_challenge="+url.QueryEscape(challenge)+"&return_to=https://evil.example.com", mine)
		h.leads(answer, "https://kratos.example.com/self-service/login/browser?login_challenge="+url.QueryEscape(challenge))
	}
	h.leads(h.visit(http.MethodGet, "/bridge/login?return_to=https://evil.example.com"), "https://ui.example.com/")
	h.status = http.StatusGone
	gone := h.visit(http.MethodGet, "/bridge/login?login_challenge=abc")
	h.leads(gone, "https://kratos.example.com/self-service/login/browser?login_challenge=abc")
	if len(gone.Cookies()) > 0 {
		t.Errorf("a challenge that is no more sets %v", gone.Cookies())
	}
}

func TestLoginGivesTheBrowserItsCookieOnce(t *testing.T) {
	h := open(t)
	mine := h.begin()
	c := cookie(h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine))
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Fatalf("the cookie is %+v", c)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(c.Value); err != nil || len(raw) != 32 {
		t.Errorf("the secret is %q", c.Value)
	}
	again := cookie(h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine, c))
	if again == nil || again.Value != c.Value {
		t.Errorf("coming back it is %+v", again)
	}
	mine = h.begin()
	other := cookie(h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine))
	if other == nil || other.Value == c.Value {
		t.Error("two browsers have one secret")
	}
}

// Anyone gets a login challenge: its page looks at cookies and parses nothing.
func TestTheLoginParsesNoUserAgent(t *testing.T) {
	h := open(t)
	h.visit(http.MethodGet, "/bridge/login?login_challenge=abc")
	h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", h.begin())
	if n := h.observer.Parses(); n != 0 {
		t.Errorf("%d User-Agents were parsed", n)
	}
}

// Pages of others cannot post anything here, and asking for consent with a
// challenge that is not Hydra's changes nothing.
func TestNothingIsDoneForStrangers(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/bridge/login", "/bridge/consent"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			if answer := h.visit(method, path+"?consent_challenge=c"); answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, answer.StatusCode)
			}
		}
	}
	for _, status := range []int{http.StatusNotFound, http.StatusGone, http.StatusBadRequest} {
		h.status = status
		answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=<script>")
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusBadRequest || bytes.Contains(body, []byte("<script>")) || cookie(answer) != nil ||
			!strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%d: %d %s", status, answer.StatusCode, body)
		}
	}
	h.status = http.StatusBadGateway
	if answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c"); answer.StatusCode != http.StatusServiceUnavailable ||
		answer.Header.Get("Retry-After") == "" {
		t.Errorf("trouble: %d", answer.StatusCode)
	}
	if list, err := h.store.Devices(t.Context(), "ada"); err != nil || len(list) != 0 {
		t.Errorf("devices: %+v (%v)", list, err)
	}
}

func TestConsentIsForTheOperatorsOwnClients(t *testing.T) {
	h := open(t)
	h.first = false
	h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c"), "https://auth.example.com/oauth2/auth?error=e")
	if h.rejected != "consent_required" || h.accepted != "" {
		t.Errorf("rejected with %q, accepted on %q", h.rejected, h.accepted)
	}
}

func TestConsentMeetsTheDevice(t *testing.T) {
	h := open(t)
	answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", h.begin())
	h.leads(answer, consented)
	c, first := cookie(answer), h.accepted
	if c == nil || first == "" {
		t.Fatalf("cookie %+v, device %q", c, first)
	}
	if tie, err := h.store.Tie(t.Context(), devices.TieHydraLogin, h.sid); err != nil || tie.DeviceID != first {
		t.Errorf("tied: %+v (%v)", tie, err)
	}
	h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", c), consented)
	if h.accepted != first {
		t.Error("the same browser is another device")
	}
	h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", h.begin()), consented)
	if h.accepted == first {
		t.Error("a browser without the cookie is the same device")
	}
}

// Kratos' hook met the browser at its login, without a cookie that it could
// set; here it gets one.
func TestConsentGivesTheCookieToWhomKratosMet(t *testing.T) {
	h := open(t)
	seen := devicestest.Returns(devicestest.Laptop("ada"))
	seen.Proof.CookieHashes = nil
	met, err := h.registry.EnrollHeld(t.Context(), "ada", seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	mine := h.begin()
	tie := devices.Tie{Kind: devices.TieHydraLogin, Ref: h.sid, Subject: "ada", DeviceID: met.Device.ID, At: h.clock.Now()}
	if err := h.store.PutTie(t.Context(), tie); err != nil {
		t.Fatal(err)
	}
	answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine)
	h.leads(answer, consented)
	if h.accepted != met.Device.ID || cookie(answer) == nil {
		t.Errorf("on %q, want %q", h.accepted, met.Device.ID)
	}
}

func TestAnEndedDeviceGetsNoConsent(t *testing.T) {
	for reason, want := range map[devices.Reason]string{
		devices.ReasonOwner: "access_denied", devices.ReasonLogout: "", devices.ReasonPasswordChanged: "", devices.ReasonDeviceLimit: "",
	} {
		h := open(t)
		mine := h.begin()
		c := cookie(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine))
		first := h.accepted
		if _, err := h.registry.RevokeAllBut(t.Context(), "ada", "", reason); err != nil {
			t.Fatal(err)
		}
		h.accepted = ""
		h.request, h.sid = asked, rand.Text()
		h.proves(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine, c), mine, c)
		if h.rejected != want || (h.accepted == "") != (want != "") || h.accepted == first {
			t.Errorf("ended by %s: rejected with %q, accepted on %q", reason, h.rejected, h.accepted)
		}
	}
	h := open(t)
	mine := h.begin()
	h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine)
	if err := h.store.SetUserDisabled(t.Context(), "ada", true, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine)
	if h.rejected != "access_denied" {
		t.Errorf("a disabled subject: %q", h.rejected)
	}
}
