package observe

import (
	"strconv"
	"strings"

	"github.com/ua-parser/uap-go/uaparser"
)

// osVersion returns the version of an operating system, or "" where the token
// is frozen: browsers keep saying it whatever the system has become since, so
// it is neither a match nor a fall.
func osVersion(os, version, text string) string {
	switch os {
	case "Windows":
		if version == "10" || strings.HasPrefix(version, "10.") {
			return "" // Windows 11 says "Windows NT 10.0" too
		}
	case "macOS":
		if version == "10.15" || version == "10.15.7" {
			return "" // everything since Catalina
		}
	case "ChromeOS", "Linux", "":
		return "" // 14541.0.0 for ever; none; unknown
	case "Android":
		if version == "10" && androidModel(text) == "" {
			return "" // reduced: "Android 10; K", and Firefox since it has no model
		}
	case "iOS":
		if frozenIOS(version, text) {
			return ""
		}
	}
	return version
}

// frozenIOS reports whether an iOS version may be the one that WebKit froze
// with iOS 26: 18.6 or 18.7. Safari tells by its own version; an embedded
// view has none and can mean either.
func frozenIOS(version, text string) bool {
	if version != "18.6" && version != "18.7" &&
		!strings.HasPrefix(version, "18.6.") && !strings.HasPrefix(version, "18.7.") {
		return false
	}
	_, after, told := strings.Cut(text, "Version/")
	major, _, _ := strings.Cut(digits(after), ".")
	release, err := strconv.Atoi(major)
	return !told || err != nil || release >= 26
}

// model returns the model, or "" where it is not told or frozen ("K").
func model(said agent, text string, d *uaparser.Device) string {
	switch said.os {
	case "Android":
		return androidModel(text)
	case "iOS":
		for _, name := range []string{"iPhone", "iPad", "iPod"} {
			if strings.Contains(text, "("+name) {
				return name
			}
		}
		return ""
	case "Windows", "macOS", "Linux", "ChromeOS", "FreeBSD", "OpenBSD", "NetBSD", "HarmonyOS":
		return "" // a kind of computer, no model; or not told
	}
	if d.Family == "Other" || d.Family == "Spider" || strings.HasPrefix(d.Brand, "Generic") ||
		d.Model == "iOS-Device" {
		return ""
	}
	return d.Model
}

// androidModel returns the model as the system has it (Build.MODEL), which is
// what the client hint says as well: the last part of the comment before its
// build number. The definitions would beautify it.
func androidModel(text string) string {
	_, comment, ok := strings.Cut(text, "Android ")
	if !ok {
		return ""
	}
	comment, _, _ = strings.Cut(comment, ")")
	parts := strings.Split(comment, ";")[1:]
	for i := len(parts) - 1; i >= 0; i-- {
		name, _, _ := strings.Cut(parts[i], " Build/")
		name = strings.TrimPrefix(strings.TrimSpace(name), "SAMSUNG ") // its browser adds the maker
		switch {
		case name == "", name == "wv", name == "K", name == "U", name == "Mobile", name == "Tablet",
			strings.HasPrefix(name, "rv:"), strings.HasPrefix(name, "Build/"), locale(name):
			continue
		}
		return name
	}
	return ""
}

// locale reports whether a part of a comment is a language such as "de-de".
func locale(part string) bool {
	if len(part) != 2 && (len(part) != 5 || (part[2] != '-' && part[2] != '_')) {
		return false
	}
	return lower(part[0]) && lower(part[1])
}

// brand returns the maker, or "" where the definitions only guess the kind.
func brand(name string) string {
	if name == "Spider" || strings.HasPrefix(name, "Generic") {
		return ""
	}
	return clean(name, maxValue)
}
