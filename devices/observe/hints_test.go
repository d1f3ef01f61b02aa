package observe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
)

const (
	windowsChrome = "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	androidChrome = "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
	linuxChrome = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	linuxFirefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
	chromeBrands = `Sec-CH-UA: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`
)

func TestHintsAreLaidOverTheUserAgent(t *testing.T) {
	for _, row := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"Chrome on Windows 11, asked for everything", []string{
			windowsChrome, chromeBrands, "Sec-CH-UA-Mobile: ?0", `Sec-CH-UA-Platform: "Windows"`,
			`Sec-CH-UA-Platform-Version: "19.0.0"`, `Sec-CH-UA-Model: ""`, `Sec-CH-UA-Form-Factors: "Desktop"`,
			`Sec-CH-UA-Full-Version-List: "Google Chrome";v="142.0.7444.60", "Chromium";v="142.0.7444.60"`,
		}, "os=Windows, os_version=11, browser=Chrome, browser_version=142.0.7444.60, class=desktop, " +
			"model=, contradiction="},
		{"unasked", []string{
			windowsChrome, chromeBrands, "Sec-CH-UA-Mobile: ?0", `Sec-CH-UA-Platform: "Windows"`,
		}, "os=Windows, browser=Chrome, browser_version=142, class=desktop, contradiction="},
		{"brands in another order over two lines", []string{
			windowsChrome, `Sec-CH-UA: "Not;A=Brand";v="8"`, `Sec-CH-UA: "Google Chrome";v="142","Chromium";v="142"`,
		}, "os=Windows, browser=Chrome, browser_version=142, class=desktop, contradiction="},
		{"Windows 10", []string{windowsChrome, `Sec-CH-UA-Platform: "Windows"`, `Sec-CH-UA-Platform-Version: "10.0.0"`},
			"os=Windows, os_version=10, browser=Chrome, browser_version=142, class=desktop, contradiction="},
		{"Windows 8.1", []string{windowsChrome, `Sec-CH-UA-Platform: "Windows"`, `Sec-CH-UA-Platform-Version: "0.3.0"`},
			"os=Windows, os_version=8.1, browser=Chrome, browser_version=142, class=desktop, contradiction="},
		{"a Mac", []string{
			"User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) " +
				"Chrome/142.0.0.0 Safari/537.36",
			`Sec-CH-UA-Platform: "macOS"`, `Sec-CH-UA-Platform-Version: "26.1.0"`,
		}, "os=macOS, os_version=26.1, browser=Chrome, browser_version=142, class=desktop, brand=Apple, contradiction="},
		{"a phone that tells its model", []string{
			androidChrome, chromeBrands, "Sec-CH-UA-Mobile: ?1", `Sec-CH-UA-Platform: "Android"`,
			`Sec-CH-UA-Platform-Version: "16.0.0"`, `Sec-CH-UA-Model: "Pixel 9"`,
		}, "os=Android, os_version=16, browser=Chrome, browser_version=142, class=phone, brand=Google, " +
			"model=Pixel 9, contradiction="},
		{"a phone in desktop mode", []string{
			linuxChrome, chromeBrands, "Sec-CH-UA-Mobile: ?0", `Sec-CH-UA-Platform: "Linux"`,
		}, "os=Linux, browser=Chrome, browser_version=142, class=desktop, contradiction="},
		{"a phone in desktop mode that admits it", []string{
			linuxChrome, chromeBrands, "Sec-CH-UA-Mobile: ?1", `Sec-CH-UA-Platform: "Android"`,
		}, "os=Android, browser=Chrome, browser_version=142, class=phone, contradiction="},
		{"Brave goes by Chrome's name", []string{
			windowsChrome, `Sec-CH-UA: "Chromium";v="142", "Brave";v="142", "Not_A Brand";v="99"`,
		}, "os=Windows, browser=Brave, browser_version=142, class=desktop, contradiction="},
		{"Chromium does too", []string{
			linuxChrome, `Sec-CH-UA: "Chromium";v="142", "Not_A Brand";v="99"`,
		}, "os=Linux, browser=Chromium, browser_version=142, class=desktop, contradiction="},
		{"a newcomer", []string{
			windowsChrome, `Sec-CH-UA: "Chromium";v="142", "Whale";v="4.32", "Not_A Brand";v="99"`,
		}, "os=Windows, browser=Whale, browser_version=4.32, class=desktop, contradiction="},
		{"Edge", []string{
			windowsChrome + " Edg/142.0.0.0", `Sec-CH-UA: "Chromium";v="142", "Microsoft Edge";v="142", "Not_A Brand";v="99"`,
		}, "os=Windows, browser=Edge, browser_version=142, class=desktop, contradiction="},
		{"Opera", []string{
			windowsChrome + " OPR/124.0.0.0", `Sec-CH-UA: "Chromium";v="140", "Opera GX";v="124", "Not_A Brand";v="99"`,
		}, "os=Windows, browser=Opera, browser_version=124, class=desktop, contradiction="},
		{"an Electron app", []string{
			windowsChrome + " Electron/39.0.0", `Sec-CH-UA: "Chromium";v="142", "Not_A Brand";v="99"`,
		}, "os=Windows, browser=Electron, browser_version=39, class=desktop, contradiction="},
		{"an app's view on Android", []string{
			"User-Agent: Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A; wv) AppleWebKit/537.36 (KHTML, like Gecko) " +
				"Version/4.0 Chrome/142.0.7444.48 Mobile Safari/537.36",
			`Sec-CH-UA: "Chromium";v="142", "Android WebView";v="142", "Not_A Brand";v="99"`, "Sec-CH-UA-Mobile: ?1",
		}, "os=Android, os_version=15, browser=WebView, browser_version=142.0.7444, class=phone, brand=Google, " +
			"model=Pixel 9, contradiction="},
		{"a tablet by its form factor", []string{
			androidChrome, `Sec-CH-UA-Form-Factors: "Tablet", "Mobile"`,
		}, "os=Android, browser=Chrome, browser_version=142, class=tablet, contradiction="},
		{"a car", []string{androidChrome, `Sec-CH-UA-Form-Factors: "Automotive"`},
			"os=Android, browser=Chrome, browser_version=142, class=other, contradiction="},
		{"Chromium 156 without a head, as recorded", []string{
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
				"HeadlessChrome/156.0.0.0 Safari/537.36",
			`Sec-CH-UA: "Not:A-Brand";v="8", "Chromium";v="156"`, "Sec-CH-UA-Mobile: ?0", `Sec-CH-UA-Platform: "Linux"`,
			`Sec-CH-UA-Full-Version-List: "Not:A-Brand";v="8.0.0.0", "Chromium";v="156.0.8078.79"`,
			`Sec-CH-UA-Model: ""`, `Sec-CH-UA-Form-Factors: "Desktop"`, `Sec-CH-UA-Platform-Version: ""`,
		}, "os=Linux, browser=HeadlessChrome, browser_version=156, class=desktop, model=, contradiction="},
		{"hints alone", []string{chromeBrands, `Sec-CH-UA-Platform: "Chrome OS"`, "Sec-CH-UA-Mobile: ?0"},
			"os=ChromeOS, browser=Chrome, browser_version=142, contradiction="},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(told(row.want), seen(newObserver(), row.lines...)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestContradictionsAreASignal(t *testing.T) {
	for _, row := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"the platform", []string{windowsChrome, chromeBrands, `Sec-CH-UA-Platform: "Linux"`},
			"platform Linux, User-Agent Windows"},
		{"the engine", []string{linuxFirefox, chromeBrands, `Sec-CH-UA-Platform: "Linux"`},
			"brand Chrome, User-Agent Firefox"},
		{"a program with a browser's hints", []string{"User-Agent: python-requests/2.32.3", chromeBrands},
			"brand Chrome, User-Agent python-requests"},
		{"the product", []string{windowsChrome + " Edg/142.0.0.0", chromeBrands}, "brand Chrome, User-Agent Edge"},
		{"the version", []string{windowsChrome, `Sec-CH-UA: "Chromium";v="138", "Google Chrome";v="138"`},
			"version 138, User-Agent 142"},
		{"the version of a disguised product", []string{windowsChrome, `Sec-CH-UA: "Chromium";v="138", "Brave";v="138"`},
			"version 138, User-Agent 142"},
		{"a mobile desktop", []string{windowsChrome, "Sec-CH-UA-Mobile: ?1"}, "mobile, User-Agent desktop"},
		{"a phone that is not mobile", []string{androidChrome, "Sec-CH-UA-Mobile: ?0"}, "not mobile, User-Agent phone"},
		{"everything", []string{linuxFirefox, chromeBrands, "Sec-CH-UA-Mobile: ?1", `Sec-CH-UA-Platform: "macOS"`},
			"brand Chrome, User-Agent Firefox; platform macOS, User-Agent Linux; mobile, User-Agent desktop"},
		{"nothing", []string{androidChrome, chromeBrands, "Sec-CH-UA-Mobile: ?1", `Sec-CH-UA-Platform: "Android"`}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, looked := seen(newObserver(), row.lines...).Get(devices.SignalContradiction)
			if got != row.want || !looked {
				t.Errorf("got %q (looked %t), want %q", got, looked, row.want)
			}
		})
	}
	for _, line := range []string{windowsChrome, linuxFirefox, "User-Agent: okhttp/4.12.0"} {
		if got, looked := seen(newObserver(), line).Get(devices.SignalContradiction); looked {
			t.Errorf("without hints nobody could look, but the contradiction is %q", got)
		}
	}
}

func TestWhatIsNoStructuredFieldIsAbsent(t *testing.T) {
	bad := map[string][]string{
		"Sec-CH-UA-Platform": {
			"", "Linux", `"Linux`, `Linux"`, `"Li` + "\x7f" + `nux"`, `"Linüx"`, `"Lin\ux"`, `"Linux" "x"`, `"Linux",`,
			`"Linux";`, `"Linux";V=1`, `"Linux";v=`, `"Linux";v=1.`, `"Linux";v=1.1234`, `"Linux";v=1234567890123456`,
			`"Linux";v=:a:`, `"Linux";v=@1.5`, `%"Linux"`, `("Linux")`, "?1", "1", ":TGludXg=:", "@1", `"Linux"; =1`,
			`"Linux";v=?2`, `"` + strings.Repeat("x", 1100) + `"`,
		},
		"Sec-CH-UA-Mobile": {"", "1", "?2", "?", "true", `"?1"`, "?1, ?1", "?1 1"},
		"Sec-CH-UA": {
			"", `"Brave"v="1"`, `"Brave";v="1",`, `"Brave";v="1" "Opera"`, "Brave", `("Brave")`, `"Brave", 1`,
			`,"Brave"`, `"Brave";v=("1")`, `"Brave` + "\xff" + `";v="1"`,
			strings.Repeat(`"Brave";v="1", `, 1000) + `"Brave"`,
		},
	}
	for name, values := range bad {
		for _, value := range values {
			if got := seen(newObserver(), name+": "+value); len(got) != 0 {
				t.Errorf("%s: %.60q was read as %v", name, value, got)
			}
		}
	}
	for _, good := range []string{
		`"Linux"`, ` "Linux" `, `"Linux";v=1`, `"Linux";v=-1.5;w=tok*en/x:y;x=:TGludXg=:;y=@-1659578233;z`, `"Linux"; v="\"\\"`,
	} {
		if got := seen(newObserver(), "Sec-CH-UA-Platform: "+good)[devices.SignalOS]; got != "Linux" {
			t.Errorf("%q was read as %q", good, got)
		}
	}
}

func TestMadeUpBrandsAreDropped(t *testing.T) {
	for _, brand := range []string{
		`Not A;Brand`, `Not;A Brand`, ` Not A;Brand`, `Not/A)Brand`, `(Not(A:Brand`, `Not?A_Brand`, `Not.A/Brand`,
		`Not-A.Brand`, `Not:A-Brand`, `Not=A?Brand`, `Not A(Brand`, `\\Not\"A;Brand`, `Not)A;Brand`, `Not_A Brand`,
	} {
		line := fmt.Sprintf(`Sec-CH-UA: "%s";v="8", "Chromium";v="142"`, brand)
		if got := seen(newObserver(), linuxChrome, line)[devices.SignalBrowser]; got != "Chromium" {
			t.Errorf("with %s the browser is %q", brand, got)
		}
	}
}

func TestHostileHintsCostNothing(t *testing.T) {
	o := newObserver()
	lines := []string{linuxFirefox, "Sec-CH-UA: " + strings.Repeat(`"a";v="1", `, 3000)}
	for _, name := range []string{"Platform", "Model", "Mobile", "Form-Factors", "Full-Version-List"} {
		lines = append(lines, "Sec-CH-UA-"+name+": "+strings.Repeat(`"\\\"`, 8000))
	}
	seen(o, lines...) // the User-Agent is remembered from here on
	fastest := time.Hour
	for range 5 { // whoever else uses the machine
		start := time.Now()
		if _, looked := seen(o, lines...).Get(devices.SignalContradiction); looked {
			t.Error("oversize hints were read")
		}
		fastest = min(fastest, time.Since(start))
	}
	if fastest > 5*time.Millisecond {
		t.Errorf("refusing 200 kB of hints took %s, want well under 5 ms", fastest)
	}
}
