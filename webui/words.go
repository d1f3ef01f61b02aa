package webui

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard/devices"
)

// Looks returns a fingerprint in words: "Chrome on Windows 11".
func (l *Locale) Looks(f devices.Fingerprint) string {
	browser, system := f[devices.SignalBrowser], f[devices.SignalOS]
	if version := f[devices.SignalOSVersion]; version != "" && system != "" {
		system += " " + short(version)
	}
	if model := f[devices.SignalModel]; model != "" {
		system = model
	}
	switch {
	case browser != "" && system != "":
		return l.T("%[1]s on %[2]s", browser, system)
	case browser+system != "":
		return browser + system
	default:
		return l.T("Unknown device")
	}
}

// short returns the first two parts of a version, without a zero at the end.
func short(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) > 1 && parts[1] != "0" {
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}

// Label returns the owner's name of a device, else its looks.
func (l *Locale) Label(d devices.Device) string {
	if d.Name != "" {
		return d.Name
	}
	return l.Looks(d.Fingerprint)
}

// kind returns the class of a device, one of those that have a picture.
func kind(f devices.Fingerprint) devices.Class {
	switch class := devices.Class(f[devices.SignalClass]); class {
	case devices.ClassDesktop, devices.ClassPhone, devices.ClassTablet, devices.ClassTV, devices.ClassBot, devices.ClassApp:
		return class
	default:
		return devices.ClassOther
	}
}

func (l *Locale) kindWord(c devices.Class) string {
	words := map[devices.Class]string{
		devices.ClassDesktop: "Computer", devices.ClassPhone: "Phone", devices.ClassTablet: "Tablet",
		devices.ClassTV: "TV", devices.ClassBot: "Program", devices.ClassApp: "App", devices.ClassOther: "Device",
	}
	return l.T(words[c])
}

// where returns the place of a network: city and country, else the address,
// else the number of the network.
func (l *Locale) where(n devices.Network) string {
	var parts []string
	if n.City != "" {
		parts = append(parts, n.City)
	}
	if n.Country != "" {
		parts = append(parts, l.country(n.Country))
	}
	return cmp.Or(strings.Join(parts, ", "), address(n), asn(n))
}

// address returns the address of a network, or nothing.
func address(n devices.Network) string {
	if !n.Addr.IsValid() {
		return ""
	}
	return n.Addr.Unmap().WithZone("").String()
}

// asn returns the number of a network as "AS64500", or nothing.
func asn(n devices.Network) string {
	if n.ASN == 0 {
		return ""
	}
	return fmt.Sprint("AS", n.ASN)
}

// country returns the name of a country, or its code where it has none.
func (l *Locale) country(code string) string {
	if region, err := language.ParseRegion(code); err == nil && code != "" {
		return l.regions.Name(region)
	}
	return code
}

// tier returns what protects the device, in a few words, and what that means.
func (l *Locale) tier(t devices.Tier) (short, meaning string) {
	switch t {
	case devices.TierKey:
		return l.T("Protected by a key on this device"),
			l.T("The key cannot leave the device. A copied token does not work without it.")
	case devices.TierCookie:
		return l.T("Protected by this browser’s cookie"),
			l.T("A sign-in that is copied without the cookie is refused.")
	case devices.TierFingerprint:
		return l.T("Recognized by its browser and system only"),
			l.T("Both can be imitated. A copied sign-in is detected the next time it is used.")
	default:
		return l.T("Not protected"), l.T("Nothing is known about this device yet.")
	}
}

// why returns a reason in words. What no page has words for is told by its
// code.
func (l *Locale) why(r devices.Reason) string {
	words := map[devices.Reason]string{
		devices.ReasonDeviceRevoked:    "the device was signed out",
		devices.ReasonGrantRevoked:     "the access had already ended",
		devices.ReasonSubjectDisabled:  "the account is disabled",
		devices.ReasonReuse:            "a copied token was used",
		devices.ReasonEvidenceMismatch: "a different language was used",
		devices.ReasonOSChanged:        "a different operating system was used",
		devices.ReasonBrowserChanged:   "a different browser was used",
		devices.ReasonModelChanged:     "a different model was used",
		devices.ReasonClassChanged:     "a different type of device was used",
		devices.ReasonDowngrade:        "an older version was used",
		devices.ReasonContradiction:    "the browser’s details contradict each other",
		devices.ReasonKeyMissing:       "the key was missing",
		devices.ReasonKeyMismatch:      "a different key was used",
		devices.ReasonCookieMismatch:   "the device cookie was missing or wrong",
		devices.ReasonNewNetwork:       "a new network",
		devices.ReasonNewCountry:       "a new country",
		devices.ReasonAnonymiser:       "an anonymizing network (VPN, proxy or Tor)",
		devices.ReasonTravel:           "too far away for the time since the last use",
		devices.ReasonConcurrentUse:    "used on two networks at the same time",
		devices.ReasonUnknownDevice:    "an unknown device was used",
		devices.ReasonGatewayBypassed:  "the gateway was bypassed",
		devices.ReasonDeviceLimit:      "too many devices",
		devices.ReasonExpired:          "it expired",
		devices.ReasonResponseLost:     "repeated after a network problem",
		devices.ReasonLogout:           "by you",
		devices.ReasonPasswordChanged:  "the password was changed",
		devices.ReasonOwner:            "by you, from another device",
		devices.ReasonNotMe:            "you reported that it wasn’t you",
		devices.ReasonOperator:         "by an administrator",
		devices.ReasonClient:           "by the app",
		devices.ReasonCodeReplay:       "a sign-in was used twice",
		devices.ReasonConsentWithdrawn: "the access was removed",
	}
	if text := words[r]; text != "" {
		return l.T(text)
	}
	return string(r)
}

// isolated keeps the direction of a stranger's text to itself (UAX #9).
func isolated(text string) string { return "\u2068" + text + "\u2069" }

// Cut returns the first characters of a text, at most that many with the dots
// that stand for the rest, without characters that mislead.
func Cut(text string, most int) string {
	text = devices.Plain(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
