package webui

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
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
	forms := "form-action 'self'; "
	if away, _ := field(data, "LeadsAway").(bool); away {
		forms = "" // see the package's comment
	}
	return "default-src 'none'; " + scripts + "style-src 'self'; img-src 'self'" + logoSource(data) +
		"; " + forms + "frame-ancestors 'none'; base-uri 'none'"
}

// hostSource is what gets into a header.
var hostSource = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?$`)

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
