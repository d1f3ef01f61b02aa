package observe

import (
	"maps"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// merge lays the client hints over what the User-Agent says, and notes where
// they contradict each other.
func merge(said agent, told hints) devices.Fingerprint {
	if !told.sent() {
		return said.signals()
	}
	merged, against := said, []string(nil)
	note := func(text string) {
		if text != "" {
			against = append(against, text)
		}
	}
	note(mergeBrowser(&merged, said, told))
	note(mergeOS(&merged, said, told))
	note(mergeClass(&merged, said, told))
	if told.model != "" {
		merged.model, merged.brand = told.model, brandOf(told.model, said.brand)
	}
	f := merged.signals()
	if told.modelled && merged.model == "" {
		f[devices.SignalModel] = ""
	}
	f[devices.SignalContradiction] = strings.Join(against, "; ")
	return f
}

func mergeBrowser(merged *agent, said agent, told hints) string {
	if len(told.brands) == 0 {
		return ""
	}
	family, version := told.brands.product()
	chromium := told.brands["Chromium"]
	named := said.browser != "" && said.browser != "Chrome" && said.browser != "Chromium"
	switch {
	case said.browser != "" && !said.chromium:
		merged.browser, merged.version = family, version
		return "brand " + family + ", User-Agent " + said.browser
	case named && (family == "Chromium" || family == "WebView"):
		return "" // an app around the engine: its own name says more
	case named && family != said.browser:
		merged.browser, merged.version = family, version
		return "brand " + family + ", User-Agent " + said.browser
	}
	merged.browser = family
	claimed := version
	if family != said.browser {
		merged.version, claimed = version, chromium // it goes by Chrome's name
	} else if len(version) > len(said.version) || said.version == "" {
		merged.version = version
	}
	if claimed != "" && said.version != "" && major(claimed) != major(said.version) {
		merged.version = version
		return "version " + claimed + ", User-Agent " + said.version
	}
	return ""
}

func mergeOS(merged *agent, said agent, told hints) string {
	os := told.os()
	if os == "" {
		return ""
	}
	if version := told.osVersion(); version != "" || os != said.os {
		merged.os, merged.osVersion = os, version
	}
	switch {
	case said.os == "", said.os == os:
		return ""
	case said.os == "Linux" && os == "Android":
		return "" // a phone that asks for desktop pages
	default:
		return "platform " + os + ", User-Agent " + said.os
	}
}

func mergeClass(merged *agent, said agent, told hints) string {
	if said.class == devices.ClassTV || said.class == devices.ClassBot || said.class == devices.ClassApp {
		return "" // no hint knows these
	}
	desktopMode := said.os == "Linux" && merged.os == "Android"
	against := ""
	switch {
	case told.mobile == "?1" && said.class == devices.ClassDesktop && !desktopMode:
		merged.class, against = devices.ClassPhone, "mobile, User-Agent desktop"
	case told.mobile == "?0" && said.class == devices.ClassPhone:
		merged.class, against = devices.ClassDesktop, "not mobile, User-Agent phone"
		if merged.os == "Android" {
			merged.class = devices.ClassTablet
		}
	case told.mobile == "?1" && (said.class == "" || desktopMode):
		merged.class = devices.ClassPhone
	}
	if told.form != "" {
		merged.class = told.form
	}
	return against
}

// product returns the family that the brands name and its version: the known
// product, else the only stranger besides the engine, else the engine.
func (b brands) product() (family, version string) {
	names := slices.Sorted(maps.Keys(b))
	for _, name := range names {
		if family := product(name); family != "" {
			return family, b[name]
		}
	}
	strangers := slices.DeleteFunc(names, func(name string) bool { return name == "Chromium" })
	if len(strangers) == 1 {
		return strangers[0], b[strangers[0]]
	}
	return "Chromium", b["Chromium"]
}

// product returns the family of a known brand, or "".
func product(brand string) string {
	switch brand {
	case "Google Chrome":
		return "Chrome"
	case "Microsoft Edge":
		return "Edge"
	case "Microsoft Edge WebView2", "Android WebView":
		return "WebView"
	case "Opera", "Opera GX", "Opera Mobile", "OperaMobile":
		return "Opera"
	case "YaBrowser", "Yandex":
		return "Yandex Browser"
	case "Brave", "Samsung Internet", "Vivaldi", "HeadlessChrome", "DuckDuckGo":
		return brand
	default:
		return ""
	}
}

// brandOf returns the maker of a model that only the hints tell, as far as
// makers put their names into it.
func brandOf(model, known string) string {
	if known != "" {
		return known
	}
	for _, maker := range [][2]string{
		{"SM-", "Samsung"}, {"Pixel", "Google"}, {"Nexus", "Google"}, {"moto", "Motorola"},
		{"ONEPLUS", "OnePlus"}, {"Redmi", "Xiaomi"}, {"POCO", "Xiaomi"}, {"Mi ", "Xiaomi"},
		{"Nokia", "Nokia"}, {"XQ-", "Sony"}, {"CPH", "Oppo"}, {"RMX", "Realme"},
	} {
		if strings.HasPrefix(model, maker[0]) {
			return maker[1]
		}
	}
	return ""
}

func major(version string) string {
	head, _, _ := strings.Cut(version, ".")
	return head
}
