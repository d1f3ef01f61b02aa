package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// metadata is what of OpenID Connect Discovery 1.0 §3 is compared.
type metadata struct {
	Issuer string `json:"issuer"`
	JWKS   string `json:"jwks_uri"`
}

// issuer looks at the provider as clients do, from the issuer's URL on.
func (o *outside) issuer() []doctor.Finding {
	const where = "issuer"
	address := o.base() + "/.well-known/openid-configuration"
	answer, err := o.get(address)
	if err != nil {
		return []doctor.Finding{own(doctor.Missing, where, unreached(o.c.Issuer, err))}
	}
	found := append(o.certificate(answer.TLS), o.date(where, answer.Header.Get("Date"))...)
	var m metadata
	if wrong, ok := read(answer, &m); !ok || m.Issuer == "" {
		return append(found, own(doctor.Missing, where, fmt.Sprintf("%s answers %s%s, which is no OpenID provider: have %s lead to public.listen (%s)",
			address, answer.Status, wrong, o.c.Issuer, o.c.Public.Listen)))
	}
	if m.Issuer != o.c.Issuer {
		return append(found, own(doctor.Missing, where, fmt.Sprintf("%s names the issuer %q, and the configuration says %q: every client compares them "+
			"byte for byte; set issuer to what clients use, everywhere alike, and restart", address, m.Issuer, o.c.Issuer)))
	}
	if wrong := o.sameKeys(m); wrong != "" {
		return append(found, own(doctor.Missing, where, wrong))
	}
	found = append(found, own(doctor.Good, where, address+" leads to lanyard, names this issuer and publishes the database's keys"))
	return append(found, o.proxies()...)
}

// read decodes the JSON of a 200 answer. Otherwise it describes the answer in
// wrong.
func read(answer *http.Response, into any) (wrong string, ok bool) {
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		if to := answer.Header.Get("Location"); to != "" {
			return " (to " + to + ")", false
		}
		return "", false
	}
	if json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(into) != nil {
		return " without JSON", false
	}
	return "", true
}

// sameKeys returns what is wrong with the published keys.
func (o *outside) sameKeys(m metadata) string {
	if o.keys == nil {
		return ""
	}
	answer, err := o.get(m.JWKS)
	if err != nil {
		return "the keys cannot be fetched (jwks_uri): " + err.Error() + "; no client can verify an ID token"
	}
	var published jose.JSONWebKeySet
	if wrong, ok := read(answer, &published); !ok {
		return m.JWKS + " answers " + answer.Status + wrong + ": no client can verify an ID token"
	}
	if !slices.Equal(kids(o.keys.JWKS()), kids(published)) {
		return m.JWKS + " publishes other keys than this database has: the issuer leads to another installation, or a cache in front keeps old ones " +
			"(new keys are published within a minute)"
	}
	return ""
}

func kids(set jose.JSONWebKeySet) []string {
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.KeyID)
	}
	slices.Sort(ids)
	return ids
}

// soon is how long before its end a certificate is spoken of.
const soon = 14 * 24 * time.Hour

// certificate reports when the certificate expires. The handshake has verified
// its host and its authority.
func (o *outside) certificate(state *tls.ConnectionState) []doctor.Finding {
	if state == nil {
		return []doctor.Finding{own(doctor.Good, "tls", "http, for this machine alone")}
	}
	end := state.PeerCertificates[0].NotAfter
	for _, c := range state.PeerCertificates {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	left := end.Sub(o.now())
	if left < soon {
		return []doctor.Finding{own(doctor.Advice, "tls", "the certificate ends in "+days(left)+", on "+stamp(end)+" UTC: renew it at the proxy in front")}
	}
	return []doctor.Finding{own(doctor.Good, "tls", "the certificate is for this host, from an authority that this machine trusts, until "+stamp(end)+" UTC")}
}

// unreached says why the issuer gives no answer, and what to change.
func unreached(issuer string, err error) string {
	var (
		host      x509.HostnameError
		unknown   x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		noTLS     tls.RecordHeaderError
		resolving *net.DNSError
	)
	switch {
	case errors.As(err, &host):
		return issuer + " has a certificate for another host: " + host.Error() + "; get one for this host"
	case errors.As(err, &unknown):
		return issuer + " has a certificate from an authority that is not trusted here: have the proxy send the whole chain " +
			"(in nginx, ssl_certificate is the full chain), or trust the authority on this machine"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return issuer + " has a certificate that is good from " + stamp(invalid.Cert.NotBefore) + " to " + stamp(invalid.Cert.NotAfter) +
			" UTC only: renew it, and look at this machine's clock"
	case errors.As(err, &noTLS), errors.Is(err, http.ErrSchemeMismatch):
		return issuer + " is answered without TLS: the proxy in front must end TLS there (in nginx: listen 443 ssl)"
	case errors.As(err, &resolving):
		return issuer + " cannot be resolved: " + resolving.Error() + "; add its name to the DNS"
	default:
		return issuer + " cannot be reached from here: " + err.Error() + "; have it lead to public.listen"
	}
}
