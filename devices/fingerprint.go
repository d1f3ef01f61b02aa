package devices

import (
	"strconv"
	"strings"
)

// Signal is a kind of observed fact.
type Signal string

// The signals of a fingerprint. Every one of them can be copied by a thief:
// together they are a signal, never a credential.
const (
	SignalOS             Signal = "os"              // family: "Windows", "macOS", "iOS", "Android", "Linux", …
	SignalOSVersion      Signal = "os_version"      // absent where the token is frozen
	SignalBrowser        Signal = "browser"         // family: "Chrome", "Firefox", "Safari", "okhttp", …
	SignalBrowserVersion Signal = "browser_version" // dotted, as far as it is told
	SignalClass          Signal = "class"           // one of the Class constants
	SignalBrand          Signal = "brand"
	SignalModel          Signal = "model"         // absent where the token is frozen ("K")
	SignalLanguage       Signal = "language"      // primary language, lower case
	SignalContradiction  Signal = "contradiction" // what the client hints deny of the User-Agent
)

// Class is the form factor of a device, the contract's "kind".
type Class string

// The classes of devices.
const (
	ClassDesktop Class = "desktop"
	ClassPhone   Class = "phone"
	ClassTablet  Class = "tablet"
	ClassTV      Class = "tv"
	ClassBot     Class = "bot"
	ClassApp     Class = "app"
	ClassOther   Class = "other"
)

// Fingerprint is the parsed signals of one look. A signal that is in the map
// was looked for; its empty value means that it was not there. A signal that
// is not in the map could not be looked for.
type Fingerprint map[Signal]string

// Get returns the value of a signal and reports whether anybody could look.
func (f Fingerprint) Get(s Signal) (value string, looked bool) {
	value, looked = f[s]
	return value, looked
}

// Describe returns the device in words, such as "Chrome on Windows".
func (f Fingerprint) Describe() string {
	browser, os := f[SignalBrowser], f[SignalOS]
	if model := f[SignalModel]; model != "" {
		os = model
	}
	switch {
	case browser != "" && os != "":
		return browser + " on " + os
	case browser != "":
		return browser
	case os != "":
		return os
	default:
		return "Unknown device"
	}
}

// Merge returns the fingerprint to remember after an allowed sighting: what
// was seen now, and what was known before where nobody could look now.
func (f Fingerprint) Merge(seen Fingerprint) Fingerprint {
	merged := make(Fingerprint, len(f)+len(seen))
	for kind, value := range f {
		merged[kind] = value
	}
	for kind, value := range seen {
		if value != "" || merged[kind] == "" {
			merged[kind] = value
		}
	}
	return merged
}

// Equal reports whether both were looked at alike and hold the same values.
func (f Fingerprint) Equal(other Fingerprint) bool {
	if len(f) != len(other) {
		return false
	}
	for kind, value := range f {
		if now, looked := other[kind]; !looked || now != value {
			return false
		}
	}
	return true
}

// CompareVersions compares two dotted versions number by number and returns
// -1, 0 or +1. Parts that only one side tells are not compared: "126" and
// "126.0.1" are the same as far as anybody can see. Parts that are no numbers
// end the comparison.
func CompareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		switch {
		case errX != nil || errY != nil:
			return 0
		case x < y:
			return -1
		case x > y:
			return +1
		}
	}
	return 0
}

// major returns the first part of a dotted version.
func major(version string) string {
	head, _, _ := strings.Cut(version, ".")
	return head
}
