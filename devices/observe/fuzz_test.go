package observe_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// wellBehaved fails where a fingerprint holds what strangers must not bring in.
func wellBehaved(t *testing.T, f devices.Fingerprint) {
	t.Helper()
	for signal, value := range f {
		bound := 64
		if signal == devices.SignalContradiction {
			bound = 512
		}
		if len(value) > bound || !utf8.ValidString(value) ||
			strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s is %q", signal, value)
		}
		if value == "" && signal != devices.SignalModel && signal != devices.SignalContradiction {
			t.Errorf("%s is empty, but was not passed on", signal)
		}
	}
	switch devices.Class(f[devices.SignalClass]) {
	case "", devices.ClassDesktop, devices.ClassPhone, devices.ClassTablet, devices.ClassTV,
		devices.ClassBot, devices.ClassApp, devices.ClassOther:
	default:
		t.Errorf("class is %q", f[devices.SignalClass])
	}
}

func FuzzUserAgent(f *testing.F) {
	golden, err := os.ReadFile("testdata/agents.txt")
	if err != nil {
		f.Fatal(err)
	}
	for block := range strings.SplitSeq(string(golden), "\n\n") {
		if lines := strings.Split(block, "\n"); len(lines) > 1 {
			f.Add(lines[1])
		}
	}
	f.Add(strings.Repeat("Mozilla/5.0 ; ", 100))
	f.Add("\x00\xff\u202e")
	o := newObserver()
	f.Fuzz(func(t *testing.T, agent string) {
		h := http.Header{"User-Agent": {agent}}
		first := o.ObserveHeaders(h, netip.Addr{}, devices.EntranceProvider).Fingerprint
		wellBehaved(t, first)
		again := o.ObserveHeaders(h, netip.Addr{}, devices.EntranceProvider).Fingerprint
		if !first.Equal(again) {
			t.Errorf("%q is %v, remembered %v", agent, first, again)
		}
		if _, looked := first.Get(devices.SignalContradiction); looked {
			t.Error("contradicts hints that were not sent")
		}
	})
}

func FuzzHints(f *testing.F) {
	f.Add(`"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`, "?0", `"Windows"`, `"19.0.0"`, `""`, `"Desktop"`)
	f.Add(`"Brave";v="\"\\";a=1;b=?1;c=:YQ==:;d=@1;e=tok`, "?1;x=1.5", `"Android"`, `"0.3"`, `"K"`, `"Tablet", "XR"`)
	f.Add(`("a" "b")`, "?", `"`, `"..."`, `"\u202e"`, `,`)
	o := newObserver()
	f.Fuzz(func(t *testing.T, ua, mobile, platform, version, model, forms string) {
		h := http.Header{
			"User-Agent":                 {"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
			"Sec-Ch-Ua":                  {ua},
			"Sec-Ch-Ua-Mobile":           {mobile},
			"Sec-Ch-Ua-Platform":         {platform},
			"Sec-Ch-Ua-Platform-Version": {version},
			"Sec-Ch-Ua-Model":            {model},
			"Sec-Ch-Ua-Form-Factors":     {forms},
		}
		wellBehaved(t, o.ObserveHeaders(h, netip.Addr{}, devices.EntranceProvider).Fingerprint)
	})
}

func FuzzCookie(f *testing.F) {
	f.Add(text(1))
	f.Add(text(1) + "." + text(2))
	f.Add(text(1) + "; __Host-lanyard_device=" + text(2))
	f.Add(strings.Repeat("A", 43))
	f.Add("...")
	o := newObserver()
	f.Fuzz(func(t *testing.T, value string) {
		r := withCookies(value)
		found := o.Observe(r, devices.EntranceProvider).Proof.CookieHashes
		if len(found) > 5 {
			t.Errorf("%q gave %d keys", value, len(found))
		}
		w := httptest.NewRecorder()
		o.SetDeviceCookie(w, r, key(9))
		cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		kept := o.Observe(withCookies(cookie.Value), devices.EntranceProvider).Proof
		if !kept.HasCookie(devices.CookieHash(key(9))) {
			t.Errorf("after %q the new key was lost", value)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.2", `for="[2001:db8::1]:80";proto=https, for=10.0.0.2`)
	f.Add(`",",`, `for=";,`)
	f.Add("::ffff:10.0.0.1%eth0", `for=_x;;=`)
	f.Add("[::1]:_p", `for="203.0.113.60:_p";by="a\", for=unknown"`)
	readers := []*observe.Observer{}
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP"} {
		readers = append(readers, behind(header, "10.0.0.0/8"))
	}
	f.Fuzz(func(t *testing.T, forwardedFor, forwarded string) {
		h := http.Header{"X-Forwarded-For": {forwardedFor}, "Forwarded": {forwarded}, "X-Real-Ip": {forwardedFor}}
		for _, o := range readers {
			got := o.ClientAddr(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h})
			if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
				t.Errorf("%q gave %s", h, got)
			}
			stranger := o.ClientAddr(&http.Request{RemoteAddr: "192.0.2.1:1", Header: h})
			if stranger.String() != "192.0.2.1" {
				t.Errorf("%q moved a stranger to %s", h, stranger)
			}
		}
		// What a proxy appends counts, whatever stands before it.
		h = http.Header{"X-Forwarded-For": {forwardedFor + ",192.0.2.7"}, "Forwarded": {forwarded + `, by="\"";for="192.0.2.7:_p"`}}
		for _, o := range readers[:2] {
			if got := o.ClientAddr(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h}); got.String() != "192.0.2.7" {
				t.Errorf("%q gave %s", h, got)
			}
		}
	})
}
