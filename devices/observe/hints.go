package observe

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// hints are the client hints of a request, as far as they could be read. An
// empty field was not sent, or was no structured field of its type.
type hints struct {
	brands   brands // with full versions where those came
	mobile   string // "", "?0" or "?1"
	platform string
	release  string // Sec-CH-UA-Platform-Version
	model    string
	modelled bool // the model was told, be it empty
	form     devices.Class
}

// brands maps what a browser calls itself to the version it claims. The set
// is unordered by design: browsers shuffle it.
type brands map[string]string

func (t hints) sent() bool {
	return len(t.brands) > 0 || t.mobile != "" || t.platform != "" || t.release != "" ||
		t.modelled || t.form != ""
}

// readHints reads the client hints among the headers.
func readHints(h http.Header) hints {
	told := hints{
		brands:   readBrands(h, "Sec-Ch-Ua"),
		platform: readString(h, "Sec-Ch-Ua-Platform"),
		release:  digits(readString(h, "Sec-Ch-Ua-Platform-Version")),
		form:     readForm(h),
	}
	for name, version := range readBrands(h, "Sec-Ch-Ua-Full-Version-List") {
		if told.brands == nil {
			told.brands = brands{}
		}
		told.brands[name] = version
	}
	if mobile, err := parseItem(field(h, "Sec-Ch-Ua-Mobile")); err == nil && mobile.kind == 'b' {
		told.mobile = "?0"
		if mobile.truth {
			told.mobile = "?1"
		}
	}
	if model, err := parseItem(field(h, "Sec-Ch-Ua-Model")); err == nil && model.kind == 's' {
		told.model, told.modelled = clean(model.text, maxValue), true
		if told.model == "K" {
			told.model, told.modelled = "", false
		}
	}
	return told
}

func readString(h http.Header, name string) string {
	parsed, err := parseItem(field(h, name))
	if err != nil || parsed.kind != 's' {
		return ""
	}
	return clean(parsed.text, maxValue)
}

// readBrands reads a list of brands and drops the made-up one that keeps
// servers honest (GREASE).
func readBrands(h http.Header, name string) brands {
	list, err := parseList(field(h, name))
	if err != nil {
		return nil
	}
	var told brands
	for _, member := range list {
		if member.kind != 's' {
			return nil
		}
		brand := clean(member.text, maxValue)
		if brand == "" || grease(brand) {
			continue
		}
		if told == nil {
			told = brands{}
		}
		told[brand] = trimZeros(digits(member.params["v"]))
	}
	return told
}

// grease reports whether a brand is made up: some spelling of "Not A Brand"
// with punctuation in odd places.
func grease(brand string) bool {
	letters := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(brand))
	return letters == "notabrand" || letters == "notbrand"
}

// readForm reads the form factors. Of several the handiest counts, as it is
// what the page will be used on.
func readForm(h http.Header) devices.Class {
	list, err := parseList(field(h, "Sec-Ch-Ua-Form-Factors"))
	if err != nil {
		return ""
	}
	told := map[string]bool{}
	for _, member := range list {
		if member.kind != 's' {
			return ""
		}
		told[member.text] = true
	}
	switch {
	case told["Tablet"]:
		return devices.ClassTablet
	case told["Mobile"]:
		return devices.ClassPhone
	case told["Desktop"]:
		return devices.ClassDesktop
	case len(told) > 0:
		return devices.ClassOther // a car, a watch, a headset, an e-reader
	default:
		return ""
	}
}

// os returns the platform in the house's words, or "".
func (t hints) os() string {
	switch t.platform {
	case "Chrome OS", "Chromium OS":
		return "ChromeOS"
	case "Unknown":
		return ""
	default:
		return t.platform
	}
}

// osVersion returns the version of the platform, or "". Windows counts its
// API contracts: 13 and up is Windows 11, 0.1 to 0.3 are 7, 8 and 8.1.
func (t hints) osVersion() string {
	switch t.os() {
	case "Windows":
		head, tail, _ := strings.Cut(t.release, ".")
		major, err := strconv.Atoi(head)
		old := map[string]string{"1": "7", "2": "8", "3": "8.1"}
		switch {
		case err != nil:
			return ""
		case major >= 13:
			return "11"
		case major >= 1:
			return "10"
		default:
			minor, _, _ := strings.Cut(tail, ".")
			return old[minor]
		}
	case "Linux", "":
		return ""
	default:
		return trimZeros(t.release)
	}
}
