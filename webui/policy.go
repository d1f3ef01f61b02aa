package webui

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// setPolicy sets what every page is sent with.
func setPolicy(h http.Header, csp string) {
	h.Set("Content-Security-Policy", csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that know no frame-ancestors
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// policy returns the Content-Security-Policy of a page with that data.
func policy(data any) string {
	scripts := ""
	if framed(data) {
		scripts = "script-src 'self'; "
		if listens, _ := field(data, "Listens").(bool); listens {
			scripts += "connect-src 'self'; "
		}
	}
	return "default-src 'none'; " + scripts + "style-src 'self'; img-src 'self'" + logoSource(data) +
		"; form-action 'self'" + formSources(data) + "; frame-ancestors 'none'; base-uri 'none'"
}

// Only what fits these patterns gets into a header.
var (
	schemeSource = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	hostSource   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?$`)
)

// formSources returns the schemes to which the answer to a form may lead: those
// of the data's FormAction, and https for where the client leads on.
func formSources(data any) string {
	var schemes []string
	places, _ := field(data, "FormAction").([]string)
	for _, place := range places {
		scheme, _, ok := strings.Cut(strings.ToLower(place), ":")
		if ok && schemeSource.MatchString(scheme) && !active(scheme) {
			schemes = append(schemes, scheme)
		}
	}
	if len(schemes) == 0 {
		return ""
	}
	schemes = append(schemes, "https")
	slices.Sort(schemes)
	return " " + strings.Join(slices.Compact(schemes), ": ") + ":"
}

// active reports whether a scheme is one whose URLs are documents or scripts
// themselves. No redirect leads there.
func active(scheme string) bool {
	return slices.Contains([]string{"javascript", "data", "vbscript", "blob", "filesystem", "file", "about"}, scheme)
}

// logoSource returns the origin of the data's LogoURI.
func logoSource(data any) string {
	logo, _ := field(data, "LogoURI").(string)
	u, err := url.Parse(logo)
	if err != nil || u.Scheme != "https" || !hostSource.MatchString(u.Host) {
		return ""
	}
	return " https://" + u.Host
}

// field returns a field of the data, or nil.
func field(data any, name string) any {
	v := reflect.Indirect(reflect.ValueOf(data))
	if v.Kind() != reflect.Struct {
		return nil
	}
	if f := v.FieldByName(name); f.IsValid() && f.CanInterface() {
		return f.Interface()
	}
	return nil
}
