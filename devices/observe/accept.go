package observe

import (
	"net/http"
	"strings"
)

// AskForHints asks the browser for the client hints that become signals, and
// no others, from its next request on. For pages; the low-entropy ones come
// unasked. It adds to Vary, as the hints may change a page.
func AskForHints(h http.Header) {
	const wanted = "Sec-CH-UA-Full-Version-List, Sec-CH-UA-Model, " +
		"Sec-CH-UA-Platform-Version, Sec-CH-UA-Form-Factors"
	h.Set("Accept-CH", wanted)
	h.Add("Vary", "Sec-CH-UA, Sec-CH-UA-Mobile, Sec-CH-UA-Platform, "+wanted)
}

// language returns the primary language of the most wanted one, lower case,
// or "" where none is told. Browsers write the most wanted first.
func language(h http.Header) string {
	first, _, _ := strings.Cut(h.Get("Accept-Language"), ",")
	tag, _, _ := strings.Cut(first, ";")
	primary, _, _ := strings.Cut(strings.Trim(tag, " \t"), "-")
	primary, _, _ = strings.Cut(primary, "_")
	if len(primary) < 2 || len(primary) > 8 {
		return ""
	}
	primary = strings.ToLower(primary)
	for i := range len(primary) {
		if !lower(primary[i]) {
			return ""
		}
	}
	return primary
}
