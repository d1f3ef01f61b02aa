package observe_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
)

func newObserver(proxies ...string) *observe.Observer {
	c := observe.Config{SecureCookies: true, Now: devicestest.Start}
	for _, p := range proxies {
		c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
	}
	return observe.New(c)
}

// seen returns the fingerprint of a request with these header lines.
func seen(o *observe.Observer, lines ...string) devices.Fingerprint {
	return o.ObserveHeaders(devicestest.Headers(lines...), netip.Addr{}, devices.EntranceProvider).Fingerprint
}

// told returns a fingerprint from "os=Windows, browser=Chrome".
func told(text string) devices.Fingerprint {
	f := devices.Fingerprint{}
	for part := range strings.SplitSeq(text, ", ") {
		signal, value, _ := strings.Cut(part, "=")
		f[devices.Signal(signal)] = value
	}
	return f
}

func TestWhatUserAgentsSay(t *testing.T) {
	golden, err := os.ReadFile("testdata/agents.txt")
	if err != nil {
		t.Fatal(err)
	}
	o := newObserver()
	blocks := strings.Split(strings.TrimSpace(string(golden)), "\n\n")[1:]
	for _, block := range blocks {
		lines := strings.Split(block, "\n")
		t.Run(lines[0], func(t *testing.T) {
			got := seen(o, "User-Agent: "+lines[1])
			if diff := cmp.Diff(told(lines[2]), got); diff != "" {
				t.Errorf("%s\nwant -, got +:\n%s", lines[1], diff)
			}
		})
	}
	if o.Parses() != int64(len(blocks)) {
		t.Errorf("%d parses for %d different headers", o.Parses(), len(blocks))
	}
}

func TestARepeatedHeaderIsNotParsed(t *testing.T) {
	o := newObserver()
	for range 1000 {
		o.ObserveHeaders(devicestest.LaptopHeaders(), netip.Addr{}, devices.EntranceProvider)
	}
	if o.Parses() != 1 {
		t.Errorf("1000 looks at one header parsed it %d times, want once", o.Parses())
	}
}

func TestKnownSaysWhetherAHeaderWouldBeParsed(t *testing.T) {
	o := newObserver()
	for _, agent := range []string{"okhttp/4.12.0", "long/1 " + strings.Repeat("x", 600)} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if !o.Known(r) {
			t.Error("a request without a User-Agent needs no parsing, and is not known")
		}
		r.Header.Set("User-Agent", agent)
		before := o.Parses()
		if o.Known(r) || o.Parses() != before {
			t.Errorf("%.20q is known before it was parsed, or asking parsed it", agent)
		}
		o.Observe(r, devices.EntranceProvider)
		if !o.Known(r) || o.Parses() != before+1 {
			t.Errorf("%.20q was parsed, and is not known", agent)
		}
	}
}

func TestOnlyTheStartOfALongHeaderIsParsed(t *testing.T) {
	o := newObserver()
	start := "User-Agent: okhttp/4.12.0 " + strings.Repeat("x", 512)
	for _, tail := range []string{"", "y", strings.Repeat("z", 8000)} {
		if got := seen(o, start+tail)[devices.SignalBrowser]; got != "okhttp" {
			t.Errorf("browser is %q", got)
		}
	}
	if o.Parses() != 1 {
		t.Errorf("headers that differ after 512 bytes were parsed %d times, want once", o.Parses())
	}
}

func TestAFloodOfHeadersDoesNotPushOutTheUsualOnes(t *testing.T) {
	o := observe.New(observe.Config{Now: devicestest.Start, CacheSize: 64})
	look := func(agent string) { seen(o, "User-Agent: "+agent) }
	for range 50 {
		look("usual/1")
	}
	for i := range 150 {
		look("flood/" + strings.Repeat("1", i%400) + string(rune('a'+i%26)))
		look("usual/1")
	}
	before := o.Parses()
	look("usual/1")
	if o.Parses() != before {
		t.Error("the usual header was forgotten in a flood of others")
	}
}

func TestAFingerprintIsTheCallersOwn(t *testing.T) {
	o := newObserver()
	seen(o, "User-Agent: okhttp/4.12.0")[devices.SignalOS] = "scribbled"
	if got, looked := seen(o, "User-Agent: okhttp/4.12.0").Get(devices.SignalOS); looked {
		t.Errorf("a remembered header now says the OS is %q", got)
	}
}

func TestWhatARequestDoesNotSayIsAbsent(t *testing.T) {
	o := newObserver()
	bare := httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
	bare.Header = http.Header{}
	got := o.Observe(bare, devices.EntranceProvider)
	want := devices.Sighting{
		At: devicestest.Start(), Entrance: devices.EntranceProvider,
		Fingerprint: devices.Fingerprint{devices.SignalBrowser: "", devices.SignalLanguage: ""},
		Network:     devices.Network{Addr: netip.MustParseAddr("192.0.2.1")},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("a request without headers; want -, got +:\n%s", diff)
	}
}

func TestWhatWasNotPassedOnCouldNotBeLookedAt(t *testing.T) {
	if got := seen(newObserver()); len(got) != 0 {
		t.Errorf("nothing was passed on, but seen was %v", got)
	}
}

func TestHeaderNamesComeInAnyCase(t *testing.T) {
	h := http.Header{"user-agent": {"okhttp/4.12.0"}, "SEC-CH-UA-PLATFORM": {`"Android"`}}
	got := newObserver().ObserveHeaders(h, netip.Addr{}, devices.EntranceKratos).Fingerprint
	if got[devices.SignalBrowser] != "okhttp" || got[devices.SignalOS] != "Android" {
		t.Errorf("seen %v", got)
	}
}

func TestStrangersTextIsCleaned(t *testing.T) {
	o := newObserver()
	for _, agent := range []string{
		"evil\x00\x1b[31m/1", "evil\u202e/1", "evil\u2028/1", "\xff\xfeevil/1", "evil\r\n/1",
	} {
		got := seen(o, "User-Agent: "+agent)[devices.SignalBrowser]
		if got != "evil" && got != "evil[31m" {
			t.Errorf("%q became the browser %q", agent, got)
		}
	}
	if got := seen(o, "User-Agent: "+strings.Repeat("n", 400)+"/1")[devices.SignalBrowser]; len(got) != 64 {
		t.Errorf("a name of 400 characters became one of %d, want 64", len(got))
	}
}

func TestLanguageIsThePrimaryOfTheFirst(t *testing.T) {
	o := newObserver()
	for header, want := range map[string]string{
		"de-DE,de;q=0.9,en;q=0.8": "de", "EN-gb": "en", " fr ; q=0.5": "fr", "zh_Hant_TW": "zh",
		"gsw-CH": "gsw", "*": "", "": "", "x": "", "123": "", "<script>": "", "toolonglanguage": "", "d\xff": "",
	} {
		got, looked := seen(o, "Accept-Language: "+header).Get(devices.SignalLanguage)
		if got != want || looked != (want != "") {
			t.Errorf("%q is %q (looked %t), want %q", header, got, looked, want)
		}
	}
}

func TestManyLookAtOnce(t *testing.T) {
	o := newObserver()
	want := seen(o, "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				seen(o, "User-Agent: app/"+strings.Repeat("1", i))
				got := o.ObserveHeaders(devicestest.ThiefHeaders(), netip.Addr{}, devices.EntranceProvider).Fingerprint
				if got[devices.SignalBrowser] != want[devices.SignalBrowser] {
					t.Errorf("seen %v", got)
				}
			}
		})
	}
	all.Wait()
}

func TestPagesAskForTheHintsThatAreStored(t *testing.T) {
	h := http.Header{"Vary": {"Cookie"}}
	observe.AskForHints(h)
	const want = "Sec-CH-UA-Full-Version-List, Sec-CH-UA-Model, Sec-CH-UA-Platform-Version, Sec-CH-UA-Form-Factors"
	if got := h.Get("Accept-CH"); got != want {
		t.Errorf("Accept-CH is %q, want %q", got, want)
	}
	vary := strings.Join(h.Values("Vary"), ", ")
	for _, name := range append(strings.Split(want, ", "), "Cookie", "Sec-CH-UA", "Sec-CH-UA-Platform") {
		if !strings.Contains(vary+",", name+",") {
			t.Errorf("Vary is %q and lacks %s", vary, name)
		}
	}
}
