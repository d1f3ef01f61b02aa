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
	case spider && !strings.HasPrefix(text, "Java/"): // a library, mistaken for a robot
		return devices.ClassBot
	case slices.ContainsFunc(televisions(), has), said.os == "tvOS", said.os == "Roku OS":
		return devices.ClassTV
	case native:
		return devices.ClassApp
	case has("iPad"), has("Tablet"):
		return devices.ClassTablet
	case has("iPhone"), has("iPod"), has("Windows Phone"), has("(Phone;"):
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
