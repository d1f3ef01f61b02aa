package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// maxForm is the most that a token request may hold, in bytes.
const maxForm = 64 << 10

// errForm is what a token request that cannot be one is.
var errForm = errors.New("not a token request")

// tokenForm reads the form of a token request. It is read as Hydra will read
// it, or not let through: a request that two parsers understand differently
// would be judged as one and granted as another.
func tokenForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if hides(r.Header) {
		return nil, errForm
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || len(r.Header["Content-Type"]) != 1 {
		return nil, errForm // RFC 6749 §3.2; Hydra would read multipart forms too
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.Join(errForm, err)
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, errForm // RFC 6749 §3.2: no parameter more than once
		}
	}
	return form, nil
}

// hides reports whether the Connection header names a field that is meant for
// the server: no proxy passes such a field on (RFC 9110 §7.6.1), so that Hydra
// would not see what was seen here, such as who the client says it is.
func hides(h http.Header) bool {
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			switch name := http.CanonicalHeaderKey(strings.TrimSpace(option)); name {
			case "Connection", "Keep-Alive", "Te", "Trailer", "Upgrade", "Http2-Settings", "Proxy-Connection":
			default:
				if len(h[name]) > 0 {
					return true
				}
			}
		}
	}
	return false
}

// put gives a request another form.
func put(r *http.Request, form url.Values) {
	encoded := form.Encode()
	r.Body = io.NopCloser(bytes.NewReader([]byte(encoded)))
	r.ContentLength = int64(len(encoded))
	r.Header.Set("Content-Length", strconv.Itoa(len(encoded)))
	r.TransferEncoding = nil
}

// grantType returns the grant type as Hydra reads it (fosite v0.49.0,
// RemoveEmpty): spaces part words, and no white space around a word counts.
func grantType(form url.Values) string {
	words := strings.Split(form.Get("grant_type"), " ")
	for i, w := range words {
		words[i] = strings.TrimSpace(w)
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// Grant types by which a client speaks for itself, or brings an assertion that
// must reach Hydra: they open no chain of a device.
func ownGrant(name string) bool {
	return name == "client_credentials" || name == "urn:ietf:params:oauth:grant-type:jwt-bearer"
}

// caller returns the client that a token request names, and how closely its
// calls are compared: one with credentials is a backend, whose own looks say
// nothing of its user.
func caller(r *http.Request, form url.Values) (string, devices.Binding) {
	id, secret := form.Get("client_id"), form.Get("client_secret")+form.Get("client_assertion")
	if user, password, ok := r.BasicAuth(); ok {
		if name, err := url.QueryUnescape(user); err == nil { // RFC 6749 §2.3.1
			id = name
		}
		secret += password
	}
	if secret != "" {
		return id, devices.BindingDeviceStatus
	}
	return id, devices.BindingObserved
}
