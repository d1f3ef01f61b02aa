package cmd

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// mirrorPath is the endpoint that tells the doctor how its own request arrives
// at this server. Every other caller gets 404.
const (
	mirrorPath = "/health/mirror"
	askHeader  = "Lanyard-Doctor"
	askFor     = 10 * time.Minute // how far the clocks of doctor and server may differ
)

// reflection is what a server sees of a request.
type reflection struct {
	Version   string      `json:"version"`
	Peer      string      `json:"peer"`   // who connected
	Client    string      `json:"client"` // whose request it is, by trusted_proxies
	Headers   http.Header `json:"headers"`
	Forwarded []string    `json:"forwarded"` // the lines of X-Forwarded-For
}

// mirror serves mirrorPath to callers that know one of the system secrets.
type mirror struct {
	system [][]byte
	client func(*http.Request) netip.Addr
	now    func() time.Time
}

// ServeHTTP answers with what it sees of the request.
func (m mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.knows(r.Header.Get(askHeader)) {
		http.NotFound(w, r)
		return
	}
	seen := reflection{
		Version: Version(), Peer: r.RemoteAddr, Client: m.client(r).String(),
		Headers: http.Header{}, Forwarded: r.Header.Values("X-Forwarded-For"),
	}
	for name := range probeHeaders() {
		seen.Headers[name] = r.Header.Values(name)
	}
	for _, name := range []string{"Forwarded", "Via", "X-Real-Ip", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		if values := r.Header.Values(name); len(values) > 0 {
			seen.Headers[name] = values
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(seen) // the doctor may be gone
}

// knows reports whether a question is signed with a system secret, and recent.
func (m mirror) knows(asked string) bool {
	at, _, _ := strings.Cut(asked, ".")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || m.now().Sub(time.Unix(seconds, 0)).Abs() > askFor {
		return false
	}
	for _, secret := range m.system {
		if signed, err := question(secret, seconds); err == nil && hmac.Equal([]byte(signed), []byte(asked)) {
			return true
		}
	}
	return false
}

// question returns what the doctor sends: the time and its MAC, under a key that
// is derived from a system secret (RFC 5869).
func question(secret []byte, seconds int64) (string, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "lanyard doctor", sha256.Size)
	if err != nil {
		return "", err
	}
	at := strconv.FormatInt(seconds, 10)
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, at) // a hash takes everything
	return at + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// inventedAddr is the address that the doctor claims to be sent for. It is in
// TEST-NET-1 (RFC 5737): nobody has it.
const inventedAddr = "192.0.2.77"

// probeHeaders are the headers that distinguish devices, as the doctor sends
// them.
func probeHeaders() map[string]string {
	return map[string]string{
		"User-Agent": "lanyard-doctor/" + Version(), "Accept-Language": "eo", "Sec-Ch-Ua": `"lanyard-doctor";v="1"`,
	}
}

// errNoMirror says that another program answers, or one with other secrets.
var errNoMirror = errors.New("not a lanyard with these secrets")

// reflected asks the server behind an address what it sees of the question. It
// returns errNoMirror where that is no lanyard with this system secret.
func reflected(ctx context.Context, client *http.Client, base string, secret []byte, now time.Time) (reflection, error) {
	var seen reflection
	asked, err := question(secret, now.Unix())
	if err != nil {
		return seen, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+mirrorPath, nil)
	if err != nil {
		return seen, err
	}
	for name, value := range probeHeaders() {
		r.Header.Set(name, value)
	}
	r.Header.Set("X-Forwarded-For", inventedAddr)
	r.Header.Set(askHeader, asked)
	answer, err := client.Do(r)
	if err != nil {
		return seen, err
	}
	defer answer.Body.Close()
	err = json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&seen)
	if answer.StatusCode != http.StatusOK || err != nil || seen.Peer == "" {
		return seen, fmt.Errorf("%w (%s)", errNoMirror, answer.Status)
	}
	return seen, nil
}
