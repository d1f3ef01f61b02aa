package cmd

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/http/httpguts"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/loopback"
)

const (
	formatDatabaseURL = "database-url"
	minSystemSecret   = 32 // bytes
)

// formats are the schema's own formats. Their errors are complaints.
func formats() []*jsonschema.Format {
	return []*jsonschema.Format{
		text("go-duration", checkDuration),
		text("host-port", checkHostPort),
		text("cidr", checkCIDR),
		text("header-name", checkHeaderName),
		text("http-url", checkHTTPURL),
		text("issuer-url", checkIssuer),
		text(formatDatabaseURL, checkDatabaseURL),
		text("system-secret", checkSystemSecret),
		text("access-key", accesskey.Validate),
	}
}

// text makes a format of a check of text. Other types are the business of
// the schema's "type".
func text(name string, check func(string) error) *jsonschema.Format {
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		if s, is := v.(string); is {
			return check(s)
		}
		return nil
	}}
}

func checkDuration(s string) error {
	switch d, err := time.ParseDuration(s); {
	case err != nil:
		return errors.New(`must be a duration such as "10s" or "720h"`)
	case d < 0:
		return errors.New("must not be negative")
	}
	return nil
}

func checkHostPort(s string) error {
	if s == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(s)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 0 || n > 65535 {
		return errors.New(`must be host and port such as "127.0.0.1:4477"`)
	}
	return nil
}

func checkCIDR(s string) error {
	if p, err := netip.ParsePrefix(s); err != nil || p != p.Masked() {
		return errors.New(`must be a network such as "10.0.0.0/8", with no bits set beyond its length`)
	}
	return nil
}

func checkHeaderName(s string) error {
	if !httpguts.ValidHeaderFieldName(s) || strings.EqualFold(s, "Host") {
		return errors.New(`must be the name of a header such as "X-Forwarded-For"`)
	}
	return nil
}

func checkHTTPURL(s string) error {
	u, err := url.Parse(s)
	if s != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
		return errors.New("must be an absolute http or https URL")
	}
	return nil
}

// checkIssuer holds an issuer to RFC 8414 §2, which allows neither query nor
// fragment. Without TLS it is good for one machine only.
func checkIssuer(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New(`must be an absolute URL such as "https://id.example.com"`)
	case strings.ContainsAny(s, "?#"):
		return errors.New("must have no query and no fragment")
	case u.User != nil:
		return errors.New("must hold no user or password")
	case u.Scheme == "https", u.Scheme == "http" && loopback.Host(u.Hostname()):
		return nil
	default:
		return errors.New("must begin with https:// (http:// only for a loopback host)")
	}
}

func checkDatabaseURL(s string) error {
	if path, is := strings.CutPrefix(s, "sqlite:"); is && path != "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return errors.New(`must be "sqlite:" and a path, or a postgres:// URL`)
	}
	return nil
}

func checkSystemSecret(s string) error {
	if len(s) < minSystemSecret {
		return errors.New("must have at least 32 bytes (try: openssl rand -base64 48)")
	}
	return nil
}
