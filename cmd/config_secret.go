package cmd

import (
	"log/slog"
	"net/url"
	"strings"
)

const hidden = "[secret]"

// Secret is a value that does not print. An empty one prints as empty, so
// that a missing secret can be seen.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// DatabaseURL is where a database is; what it prints has no password.
type DatabaseURL string

// String returns the URL without its password.
func (d DatabaseURL) String() string {
	u, err := url.Parse(string(d))
	switch {
	case strings.HasPrefix(string(d), "sqlite:"):
		return string(d)
	case err != nil:
		return hidden
	}
	if _, given := u.User.Password(); given {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	q := u.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if q.Has(name) {
			q.Set(name, "hidden")
			u.RawQuery = q.Encode()
		}
	}
	return u.String()
}

// GoString hides the password from %#v.
func (d DatabaseURL) GoString() string { return d.String() }

// LogValue hides the password from slog.
func (d DatabaseURL) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText hides the password from JSON and YAML.
func (d DatabaseURL) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Reveal returns the URL itself.
func (d DatabaseURL) Reveal() string { return string(d) }
