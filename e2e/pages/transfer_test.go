package pages_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// firstVisitMost is the most bytes that a first visit may take on the wire,
// both ways.
const firstVisitMost = 60_000

// metered counts what goes over its connections, headers and all.
type metered struct {
	net.Conn
	bytes *atomic.Int64
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.bytes.Add(int64(n))
	return n, err
}

func (m metered) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.bytes.Add(int64(n))
	return n, err
}

// visitor is a browser without a screen: it keeps cookies, takes compressed
// answers, and loads what a page needs once.
type visitor struct {
	t      *testing.T
	client *http.Client
	bytes  atomic.Int64
	had    map[string]bool
	packed []string // what came compressed
}

func newVisitor(t *testing.T) *visitor {
	jar, _ := cookiejar.New(nil) // fails only with options
	v := &visitor{t: t, had: map[string]bool{}}
	v.client = &http.Client{Jar: jar, Transport: &http.Transport{
		DisableCompression: true, // it asks itself, and counts what comes
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return metered{c, &v.bytes}, err
		},
	}}
	return v
}

// load asks for a page or a part of one, and returns where it ended up.
func (v *visitor) load(method, target string, form url.Values) (*url.URL, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header = windowsHeaders()
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	var body io.Reader = answer.Body
	if answer.Header.Get("Content-Encoding") == "gzip" {
		v.packed = append(v.packed, answer.Request.URL.Path)
		if body, err = gzip.NewReader(answer.Body); err != nil {
			v.t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil || answer.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %d %v\n%s", target, answer.StatusCode, err, text)
	}
	_ = answer.Body.Close() // it was read
	return answer.Request.URL, string(text)
}

// page loads a page with all that it needs.
func (v *visitor) page(method, target string, form url.Values) (*url.URL, string) {
	v.t.Helper()
	at, text := v.load(method, target, form)
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		v.t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if n.Data == "link" && a.Key == "href" || a.Key == "src" {
				part, err := at.Parse(a.Val)
				if err != nil {
					v.t.Fatal(err)
				}
				if !v.had[part.String()] {
					v.had[part.String()] = true
					v.load("GET", part.String(), nil)
				}
			}
		}
	}
	return at, text
}

// windowsHeaders are what Chrome sends.
func windowsHeaders() http.Header {
	return http.Header{
		"User-Agent":         {windows().agent},
		"Accept":             {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
		"Accept-Language":    {"en-GB,en;q=0.9"},
		"Accept-Encoding":    {"gzip, deflate, br, zstd"},
		"Sec-Ch-Ua":          {`"Google Chrome";v="156", "Chromium";v="156", "Not?A_Brand";v="24"`},
		"Sec-Ch-Ua-Mobile":   {"?0"},
		"Sec-Ch-Ua-Platform": {`"Windows"`},
		"Sec-Fetch-Dest":     {"document"},
		"Sec-Fetch-Mode":     {"navigate"},
		"Sec-Fetch-Site":     {"same-origin"},
	}
}

// TestAFirstVisitIsLight: from nothing over the sign-in to the devices, with
// everything that the pages need, every byte on the wire counted.
func TestAFirstVisitIsLight(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada := h.User("ada@example.com")
	v := newVisitor(t)
	at, text := v.page("GET", h.Issuer+"/devices", nil)
	form := url.Values{"identifier": {ada.Identifier}, "password": {ada.Password}, "flow": {at.Query().Get("flow")}}
	if at.Path != "/login" || form.Get("flow") == "" {
		t.Fatalf("at %s:\n%s", at, text)
	}
	login := v.bytes.Load()
	if at, text = v.page("POST", h.Issuer+"/login", form); at.Path != "/devices" || !strings.Contains(text, "Your devices") {
		t.Fatalf("at %s:\n%s", at, text)
	}
	all := v.bytes.Load()
	t.Logf("the sign-in %d bytes, the devices %d, together %d; %d parts; compressed %v", login, all-login, all, len(v.had), v.packed)
	if all > firstVisitMost {
		t.Errorf("a first visit takes %d bytes, more than %d", all, firstVisitMost)
	}
	if len(v.had) < 4 || len(v.packed) < 4 {
		t.Errorf("%d parts, compressed %v", len(v.had), v.packed)
	}
	// What is sent to everybody is kept; what holds a flow is never compressed.
	for _, path := range v.packed {
		if path == "/login" {
			t.Error("the sign-in comes compressed, with a flow that its length may give away")
		}
	}
	before := v.bytes.Load()
	v.page("GET", h.Issuer+"/devices", nil)
	t.Logf("once more: %d bytes", v.bytes.Load()-before)
}
