package provider

import (
	"errors"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ory/fosite"
)

// Bounds of what a stranger may send.
const (
	maxBody       = 64 << 10 // bytes
	maxParameters = 64
)

// strictForm parses the query or the body of a request into r.Form and
// r.PostForm, as fosite will find them. Repeated parameters are refused (RFC
// 6749 §3.1, §3.2) but for resource (RFC 8707 §2), and so are control characters, which no parameter needs.
// Parameters without a value count as absent.
func strictForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if r.Method == http.MethodPost {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil ||
			kind != "application/x-www-form-urlencoded" {
			return fosite.ErrInvalidRequest.WithHint("Send the parameters as application/x-www-form-urlencoded.")
		}
	}
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return errTooLarge
		}
		return fosite.ErrInvalidRequest.WithHint("The parameters are not properly encoded.").WithWrap(err)
	}
	if r.PostForm == nil {
		r.PostForm = url.Values{}
	}
	query := r.URL.Query()
	if err := errors.Join(plain(query), plain(r.PostForm)); err != nil {
		return err
	}
	// A form posted to the address of its page says some things twice: what
	// the body says counts.
	r.Form = query
	maps.Copy(r.Form, r.PostForm)
	return nil
}

func plain(form url.Values) error {
	if len(form) > maxParameters {
		return fosite.ErrInvalidRequest.WithHint("There are too many parameters.")
	}
	for name, values := range form {
		if len(values) == 1 && values[0] == "" {
			delete(form, name)
			continue
		}
		if len(values) != 1 && (name != resourceParameter || len(values) > maxParameters) {
			return fosite.ErrInvalidRequest.WithHint("A parameter is repeated.")
		}
		if slices.ContainsFunc(values, func(v string) bool {
			return !utf8.ValidString(v) || strings.ContainsFunc(v, isControl)
		}) {
			return fosite.ErrInvalidRequest.WithHint("A parameter holds control characters.")
		}
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
