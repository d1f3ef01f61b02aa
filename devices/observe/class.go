package observe

import (
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// televisions are what television sets and the sticks in them say.
func televisions() []string {
	return []string{
		"SMART-TV", "SmartTV", "Smart-TV", "SmartHub", "Web0S", "NetCast", "BRAVIA", "AppleTV", "Apple TV",
		"GoogleTV", "Google TV", "Android TV", "AndroidTV", "CrKey", "Chromecast", "Roku/", "HbbTV", "VIDAA",
		"VIERA", " TV Safari", "; AFT", "MiTV", "MIBOX",
	}
}

// class returns the form factor that a User-Agent claims, or "" where a
// browser hides it.
func class(said agent, text string, spider bool) devices.Class {
	has := func(token string) bool { return strings.Contains(text, token) }
	_, _, native := nativeProduct(text)
	switch {
	case robot(said, text, spider, native):
		return devices.ClassBot
	case slices.ContainsFunc(televisions(), has), said.os == "tvOS", said.os == "Roku OS":
		return devices.ClassTV
	case native:
		return devices.ClassApp
	case has("iPad"), has("Tablet"):
		return devices.ClassTablet
	case has("iPhone"), has("iPod"), has("Windows Phone"), has("(Phone;"), has("Opera Mini"):
		return devices.ClassPhone
	case said.os == "iOS":
		return "" // it asks for desktop pages and does not say on what
	case said.os == "Android" && has("Mobile"):
		return devices.ClassPhone
	case said.os == "Android":
		return devices.ClassTablet
	}
	switch said.os {
	case "Windows", "macOS", "Linux", "ChromeOS", "FreeBSD", "OpenBSD", "NetBSD":
		return devices.ClassDesktop
	}
	return devices.ClassOther
}

// robot reports whether a User-Agent is a robot's. The definitions take some
// HTTP libraries for robots and miss some robots, but robots give their name
// or the page that explains them.
func robot(said agent, text string, spider, native bool) bool {
	name := strings.ToLower(said.browser)
	if strings.HasSuffix(name, "bot") || strings.Contains(name, "crawler") || strings.Contains(name, "spider") {
		return true
	}
	return spider && (!native || strings.Contains(name, "bot") || strings.Contains(text, "://"))
}
