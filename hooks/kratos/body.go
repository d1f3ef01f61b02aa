package kratos

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// Jsonnet is the file that Kratos makes its requests with.
//
//go:embed device.jsonnet
var Jsonnet []byte

// ServeJsonnet serves that file. Nothing in it is secret.
func ServeJsonnet(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(Jsonnet) // the client may be gone
}

// body is what Kratos posts, made by device.jsonnet.
type body struct {
	Flow struct {
		ID             string `json:"id"`
		Type           string `json:"type"`
		Refresh        bool   `json:"refresh"`
		LoginChallenge string `json:"login_challenge"`
	} `json:"flow"`
	Identity string `json:"identity"`
	Session  *struct {
		ID       string    `json:"id"`
		IssuedAt time.Time `json:"issued_at"`
		Devices  []struct {
			Address   string `json:"ip_address"`
			UserAgent string `json:"user_agent"`
		} `json:"devices"`
	} `json:"session"`
	Headers      map[string]lines `json:"headers"`
	DeviceCookie string           `json:"device_cookie"`
	// PlainCookie is the cookie of a server without TLS.
	PlainCookie string  `json:"plain_cookie"`
	Device      *native `json:"device"`
	// Revoke is "others" where the form was sent to an address that says so.
	Revoke string `json:"revoke"`
}

// lines is a header's values: Kratos sends a list.
type lines []string

// UnmarshalJSON reads one value too.
func (l *lines) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*l = lines{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// browserFlow is the type of a flow in a browser, which is known by its cookie
// and its headers.
const browserFlow = "browser"

// native is what an app says of its device in transient_payload.device. It is
// the client's own word, and counts in API flows.
type native struct {
	// ID is a secret of 32 random bytes in base64url, made once at
	// installation and kept where the app keeps its tokens.
	ID        string `json:"id"`
	OS        string `json:"os"`
	OSVersion string `json:"os_version"`
	Brand     string `json:"brand"`
	Model     string `json:"model"`
}

// secret returns the hash of the app's secret, or nil.
func (n *native) secret() []byte {
	if n == nil {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(n.ID)
	if err != nil || len(raw) != sha256.Size {
		return nil
	}
	return devices.CookieHash(raw)
}

// sighting returns what was seen of who signs in, and the hash of the secret
// that a new device takes, if it holds one.
func (b *body) sighting(o *observe.Observer) (devices.Sighting, []byte) {
	headers := http.Header{}
	for name, values := range b.Headers {
		headers[name] = values
	}
	delete(headers, "Cookie")
	cookie := b.DeviceCookie
	if !strings.HasPrefix(o.CookieName(), "__Host-") {
		cookie = cmp.Or(b.PlainCookie, cookie)
	}
	if cookie != "" {
		headers.Set("Cookie", o.CookieName()+"="+cookie)
	}
	s := o.ObserveHeaders(headers, b.address(headers, o.ProxyHeader()), devices.EntranceKratos)
	var held []byte
	if len(s.Proof.CookieHashes) > 0 {
		held = s.Proof.CookieHashes[0]
	}
	n := b.Device
	if b.Flow.Type == browserFlow {
		n = nil // Lanyard's pages and bridge would never see what it says
	}
	if own := n.secret(); own != nil {
		s.Proof.CookieHashes, held = [][]byte{own}, own
	}
	if n != nil {
		for signal, value := range map[devices.Signal]string{
			devices.SignalOS: n.OS, devices.SignalOSVersion: n.OSVersion,
			devices.SignalBrand: n.Brand, devices.SignalModel: n.Model,
		} {
			if value != "" && len(value) <= 64 && utf8.ValidString(value) {
				s.Fingerprint[signal] = value
			}
		}
	}
	return s, held
}

// address returns the address that Kratos saw: that of the session's last
// device, which is the current client. Kratos believes forwarding headers from
// anybody, so it is only as true as the proxy before Kratos makes it; it never
// refuses. It is invalid if the client sent a header that Kratos prefers to the
// one that the proxy writes.
func (b *body) address(headers http.Header, proxy string) netip.Addr {
	if b.Session == nil || len(b.Session.Devices) == 0 || overridden(headers, proxy) {
		return netip.Addr{}
	}
	text := b.Session.Devices[len(b.Session.Devices)-1].Address
	if pair, err := netip.ParseAddrPort(text); err == nil {
		return pair.Addr()
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr
}

// overridden reports whether one of the headers is read by Kratos before the
// proxy's. Kratos posts some headers only (clients.web_hook.header_allowlist),
// and of these True-Client-IP alone by default.
func overridden(headers http.Header, proxy string) bool {
	sent := map[string]bool{}
	for name := range headers {
		sent[http.CanonicalHeaderKey(name)] = true
	}
	for _, name := range []string{"True-Client-Ip", "Cf-Connecting-Ip", "X-Real-Ip", "X-Forwarded-For"} {
		if name == proxy {
			return false
		}
		if sent[name] {
			return true
		}
	}
	return false
}

// agent returns the User-Agent, as Kratos keeps it with its session.
func (b *body) agent() string {
	for name, values := range b.Headers {
		if strings.EqualFold(name, "User-Agent") {
			return strings.Join(values, " ")
		}
	}
	return ""
}

// nilID is the ID of a session that is not saved yet.
const nilID = "00000000-0000-0000-0000-000000000000"

// tie returns the tie of the session that the flow makes or renews.
func (b *body) tie(d devices.Device, now time.Time) devices.Tie {
	t := devices.Tie{Kind: devices.TieKratosNew, Subject: d.Subject, DeviceID: d.ID, At: now}
	switch s := b.Session; {
	case s == nil || s.IssuedAt.IsZero():
		t.Ref = devices.KratosAbout(b.Identity, now, b.agent())
	case s.ID == "" || s.ID == nilID:
		t.Ref = devices.KratosNew(b.Identity, s.IssuedAt)
	default:
		t.Kind, t.Ref = devices.TieKratosSession, s.ID
	}
	return t
}
