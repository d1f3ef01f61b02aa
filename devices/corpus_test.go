package devices_test

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// The golden corpus: what honest devices turn into, and what thieves look
// like, header by header. A row is what the grant's token calls looked like
// and what comes now. The verdicts are fixed.

const webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko) "

func chrome(platform, version string, more ...string) []string {
	return append([]string{"User-Agent: Mozilla/5.0 (" + platform + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" +
		version + " Safari/537.36"}, more...)
}

func edge(version string) []string {
	return agent("Mozilla/5.0 (" + windows + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + version +
		" Safari/537.36 Edg/" + version)
}

func hinted(os, major, release string, more ...string) []string {
	lines := []string{
		`Sec-CH-UA: "Chromium";v="` + major + `", "Google Chrome";v="` + major + `", "Not_A Brand";v="99"`,
		`Sec-CH-UA-Platform: "` + os + `"`,
	}
	if release != "" {
		lines = append(lines, `Sec-CH-UA-Platform-Version: "`+release+`"`)
	}
	return append(lines, more...)
}

func firefox(platform, version string) []string {
	return []string{"User-Agent: Mozilla/5.0 (" + platform + "; rv:" + version + ") Gecko/20100101 Firefox/" + version}
}

func iphone(os, safari string) []string {
	return []string{"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS " + os + " like Mac OS X) " + webkit +
		"Version/" + safari + " Mobile/15E148 Safari/604.1"}
}

func agent(text string, more ...string) []string {
	return append([]string{"User-Agent: " + text}, more...)
}

const (
	windows = "Windows NT 10.0; Win64; x64"
	mac     = "Macintosh; Intel Mac OS X 10_15_7"
	linux   = "X11; Linux x86_64"
	ipad    = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) " + webkit + "Version/17.5 Mobile/15E148 Safari/604.1"
	safari  = "Mozilla/5.0 (" + mac + ") " + webkit + "Version/17.5 Safari/605.1.15"
	android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)

type chapter struct {
	name        string
	before, now []string
	want        devices.Decision
}

// tell judges a chapter: the same network, no cookie, an observed client.
func tell(c chapter) devices.Verdict {
	before := devicestest.Sees(devicestest.Headers(c.before...), "203.0.113.10")
	d := devicestest.Laptop("ada", func(d *devices.Device) { d.Fingerprint = before.Fingerprint })
	g := devicestest.GrantOn(d, func(g *devices.Grant) {
		b := devices.BaselineOf(before)
		g.Baseline = &b
	})
	return devices.DefaultPolicy().Judge(devices.Case{
		Now: devicestest.Start(), Device: &d, Grant: &g, Binding: devices.BindingObserved, Lineage: devices.Current,
		Sighting: devicestest.Sees(devicestest.Headers(c.now...), "203.0.113.10"),
	})
}

func honest() []chapter {
	asPhone := hinted("Android", "142", "16.0.0", "Sec-CH-UA-Mobile: ?1", `Sec-CH-UA-Model: "Pixel 9"`)
	webview := func(os, chrome string) []string {
		return agent("Mozilla/5.0 (Linux; Android " + os + "; Pixel 9 Build/AP4A; wv) AppleWebKit/537.36 " +
			"(KHTML, like Gecko) Version/4.0 Chrome/" + chrome + " Mobile Safari/537.36")
	}
	return []chapter{
		{"Chrome updates itself", chrome(windows, "142.0.0.0"), chrome(windows, "143.0.0.0"), devices.Allow},
		{"Chrome updates itself, with hints", chrome(windows, "142.0.0.0", hinted("Windows", "142", "19.0.0")...),
			chrome(windows, "143.0.0.0", hinted("Windows", "143", "19.0.0")...), devices.Allow},
		{"Chrome after three months in a drawer", chrome(windows, "142.0.0.0"), chrome(windows, "146.0.0.0"), devices.Allow},
		{"Firefox updates itself", firefox(linux, "144.0"), firefox(linux, "145.0"), devices.Allow},
		{"Edge updates itself", edge("142.0.0.0"), edge("143.0.0.0"), devices.Allow},
		{"Safari and iOS 17 become 18", iphone("17_5_1", "17.5"), iphone("18_1", "18.1"), devices.Allow},
		{"iOS 18.7 becomes 26 and says 18.6", iphone("18_7", "18.7"), iphone("18_6", "26.0"), devices.Allow},
		{"iOS 26 says 18.7 after 18.6", iphone("18_6", "26.0"), iphone("18_7", "26.1"), devices.Allow},
		{"an app's view on iOS 26 says 18.6 after 26", agent("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) " +
			webkit + "Mobile/15E148"), agent("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) " + webkit +
			"Mobile/15E148"), devices.Allow},
		{"Windows 10 becomes 11", chrome(windows, "142.0.0.0", hinted("Windows", "142", "10.0.0")...),
			chrome(windows, "142.0.0.0", hinted("Windows", "142", "19.0.0")...), devices.Allow},
		{"Windows 7 becomes 10, which is frozen", chrome("Windows NT 6.1", "109.0.0.0"), chrome(windows, "142.0.0.0"),
			devices.Allow},
		{"Mojave becomes something newer, which is frozen", chrome("Macintosh; Intel Mac OS X 10_14_6", "116.0.0.0"),
			chrome(mac, "142.0.0.0"), devices.Allow},
		{"the User-Agent is reduced", agent("Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 " +
			"(KHTML, like Gecko) Chrome/114.0.5735.196 Mobile Safari/537.36"), agent(android), devices.Allow},
		{"the minor version is reduced", chrome(windows, "100.0.4896.60"), chrome(windows, "101.0.0.0"), devices.Allow},
		{"Android 14 becomes 15", webview("14", "126.0.6478.122"), webview("15", "142.0.7444.48"), devices.Allow},
		{"Firefox begins to hide Android's version", firefox("Android 15; Mobile", "143.0"),
			firefox("Android 10; Mobile", "144.0"), devices.Allow},
		{"hints are granted", chrome(windows, "142.0.0.0"),
			chrome(windows, "142.0.0.0", hinted("Windows", "142", "19.0.0")...), devices.Allow},
		{"hints are lost on the way", agent(android, asPhone...), agent(android), devices.Allow},
		{"the brands are shuffled", chrome(linux, "142.0.0.0", `Sec-CH-UA: "Brave";v="142", "Chromium";v="142"`),
			chrome(linux, "142.0.0.0", `Sec-CH-UA: "Not/A)Brand";v="8", "Chromium";v="142", "Brave";v="142"`), devices.Allow},
		{"another language is chosen", append(firefox(linux, "144.0"), "Accept-Language: de"),
			append(firefox(linux, "144.0"), "Accept-Language: en"), devices.Allow},
		{"Ubuntu becomes plain Linux", firefox("X11; Ubuntu; Linux x86_64", "144.0"), firefox(linux, "144.0"), devices.Allow},
		{"a profile is copied to the new laptop", chrome(mac, "142.0.0.0"), chrome(mac, "142.0.0.0"), devices.Allow},
		{"an app updates itself", agent("Shop/1.9.2 (com.example.shop; build:17; iOS 17.5.1) Alamofire/5.9.1"),
			agent("Shop/1.10 (com.example.shop; build:18; iOS 18.0) Alamofire/5.10.0"), devices.Allow},
		{"an app on CFNetwork follows iOS", agent("Shop/412 CFNetwork/1568.100.1 Darwin/24.0.0"),
			agent("Shop/413 CFNetwork/3826.400.1 Darwin/25.0.0"), devices.Allow},
		{"Go speaks HTTP/2, then 1.1", agent("Go-http-client/2.0"), agent("Go-http-client/1.1"), devices.Allow},

		{"Chrome is rolled back by the employer", chrome(windows, "143.0.0.0"), chrome(windows, "142.0.0.0"), devices.Flag},
		{"Firefox becomes its long-term release", firefox(windows, "144.0"), firefox(windows, "140.0"), devices.Flag},
		{"a phone is restored onto another model", agent("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/A)"),
			agent("Dalvik/2.1.0 (Linux; U; Android 16; Pixel 10 Build/B)"), devices.Flag},
		{"a phone is unfolded", agent(android), agent(strings.Replace(android, " Mobile", "", 1)), devices.Flag},

		{"an iPad asks for desktop pages", agent(ipad), agent(safari), devices.Allow},
		{"an iPad no longer asks for desktop pages", agent(safari), agent(ipad), devices.Allow},
		{"an Android phone asks for desktop pages", agent(android, asPhone...),
			chrome(linux, "142.0.0.0", hinted("Linux", "142", "", "Sec-CH-UA-Mobile: ?0", `Sec-CH-UA-Model: ""`)...),
			devices.Allow},
		{"Firefox begins to resist fingerprinting", firefox(linux, "144.0"), firefox(windows, "144.0"), devices.StepUp},
		{"an app changes its HTTP library", agent("okhttp/4.12.0"), agent("ktor-client"), devices.StepUp},
	}
}

func thieves() []chapter {
	victim := chrome(windows, "142.0.0.0", hinted("Windows", "142", "19.0.0")...)
	return []chapter{
		{"another system", victim, chrome(linux, "142.0.0.0", hinted("Linux", "142", "")...), devices.StepUp},
		{"another system, hints withheld", victim, chrome(mac, "142.0.0.0"), devices.StepUp},
		{"another browser", victim, firefox(windows, "144.0"), devices.StepUp},
		{"another engine on a phone", victim, iphone("18_6", "26.0"), devices.Refuse},
		{"another system and browser", victim, firefox(linux, "144.0"), devices.Refuse},
		{"a phone's token on a laptop", iphone("18_6", "26.0"), victim, devices.Refuse},
		{"a phone's token on the thief's phone", iphone("18_6", "26.0"), agent(android), devices.Refuse},
		{"a script", victim, agent("python-requests/2.32.3"), devices.Refuse},
		{"a shell", victim, agent("curl/8.5.0"), devices.Refuse},
		{"an app's token in a script", agent("okhttp/4.12.0"), agent("python-requests/2.32.3"), devices.StepUp},
		{"an app's token in a browser", agent("okhttp/4.12.0"), victim, devices.Refuse},
		{"a copied User-Agent on the thief's own engine", firefox(linux, "144.0"),
			append(firefox(linux, "144.0"), hinted("Windows", "142", "19.0.0")...), devices.Refuse},
		{"a copied User-Agent on another system", chrome(windows, "142.0.0.0", hinted("Windows", "142", "")...),
			chrome(windows, "142.0.0.0", hinted("Linux", "142", "")...), devices.Refuse},
		{"Brave instead of Chrome", victim, chrome(windows, "142.0.0.0",
			`Sec-CH-UA: "Chromium";v="142", "Brave";v="142"`, `Sec-CH-UA-Platform: "Windows"`), devices.StepUp},
		{"a robot", victim, agent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), devices.Refuse},
		{"a television", victim, agent("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) " +
			"Chrome/108.0.5359.211 Safari/537.36"), devices.Refuse},
	}
}

// beyondLooks is what looks alone let through at first use; the victim's next
// refresh, the cookie or the key catches it (tiers T1 to T3).
func beyondLooks() []chapter {
	victim := chrome(windows, "142.0.0.0", hinted("Windows", "142", "19.0.0")...)
	return []chapter{
		{"everything is copied", victim, victim, devices.Allow},
		{"a stale kit copies an old version", victim, chrome(windows, "120.0.0.0"), devices.Flag},
		{"the same app on the thief's phone", agent("okhttp/4.12.0"), agent("okhttp/4.12.0"), devices.Allow},
	}
}

func TestHonestDevicesAreNeverRefused(t *testing.T) {
	for _, c := range honest() {
		t.Run(c.name, func(t *testing.T) {
			v := tell(c)
			if v.Decision != c.want {
				t.Errorf("got %s because of %v, want %s", v.Decision, v.Evidence, c.want)
			}
			if v.Decision == devices.Refuse || v.RevokeGrant {
				t.Error("an honest device lost its grant")
			}
		})
	}
}

func TestThievesWithOtherLooksAreTurnedAway(t *testing.T) {
	for _, c := range thieves() {
		t.Run(c.name, func(t *testing.T) {
			v := tell(c)
			if v.Decision != c.want || v.Err() == nil {
				t.Errorf("got %s because of %v, want %s", v.Decision, v.Evidence, c.want)
			}
		})
	}
}

func TestWhatLooksCannotTell(t *testing.T) {
	for _, c := range beyondLooks() {
		t.Run(c.name, func(t *testing.T) {
			if v := tell(c); v.Decision != c.want {
				t.Errorf("got %s because of %v, want %s", v.Decision, v.Evidence, c.want)
			}
		})
	}
}
