package cmd

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/hooks/doctor"
	"github.com/lanyard-id/lanyard/provider/keyring"
)

// outside looks at the running server, by the address at which it listens and
// by its issuer.
type outside struct {
	ctx  context.Context
	c    Config
	now  func() time.Time
	http *http.Client
	keys *keyring.Keyring // those of the database; nil if they cannot be read
}

func (a *app) outside(c Config, keys *keyring.Keyring) *outside {
	return &outside{ctx: a.ctx, c: c, now: a.now, keys: keys, http: &http.Client{
		Timeout: 5 * time.Second,
		// What leads elsewhere is a finding, and no reason to go there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// findings returns what is to be said of the running server.
func (o *outside) findings() []doctor.Finding {
	if len(o.c.Secrets.System) == 0 || o.c.Issuer == "" {
		return nil // that these are missing has been said
	}
	return append(o.server(), o.issuer()...)
}

// server asks the server where it listens.
func (o *outside) server() []doctor.Finding {
	base := "http://" + dialable(o.c.Public.Listen)
	const where = "server"
	answer, err := o.get(base + "/health/ready")
	if err != nil {
		return []doctor.Finding{own(doctor.Missing, where, "nothing answers at "+base+" (public.listen): "+err.Error()+
			"; start it: lanyard serve")}
	}
	_ = answer.Body.Close()
	seen, err := reflected(o.ctx, o.http, base, o.system(), o.now())
	switch {
	case errors.Is(err, errNoMirror):
		return []doctor.Finding{own(doctor.Missing, where, base+" (public.listen) is answered by another program, or by a lanyard that is older "+
			"than this one or has other secrets.system: stop it, and start: lanyard serve")}
	case err != nil:
		return []doctor.Finding{own(doctor.Missing, where, err.Error())}
	case answer.StatusCode != http.StatusOK:
		return []doctor.Finding{own(doctor.Missing, where, base+" is not ready ("+answer.Status+"): its log says why")}
	}
	found := []doctor.Finding{own(doctor.Good, where, base+" answers and is ready, version "+seen.Version)}
	if seen.Version != Version() {
		found[0] = own(doctor.Advice, where, base+" is ready, but runs version "+seen.Version+", and this is "+Version()+": restart it")
	}
	return append(found, o.date(where, answer.Header.Get("Date"))...)
}

// maxDate is how far the time of an answer, whole seconds, may be from this
// machine's.
const maxDate = 30 * time.Second

// date compares the Date of an answer (RFC 9110 §6.6.1) with this machine's
// clock.
func (o *outside) date(where, date string) []doctor.Finding {
	there, err := http.ParseTime(date)
	if err != nil || there.Sub(o.now()).Abs() <= maxDate {
		return nil
	}
	return []doctor.Finding{own(doctor.Missing, where, "its clock and this machine's differ by "+
		there.Sub(o.now()).Abs().Round(time.Second).String()+": tokens end too early or too late; let both follow one time server")}
}

func (o *outside) system() []byte { return []byte(o.c.Secrets.System[0].Reveal()) }

func (o *outside) get(address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(o.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return o.http.Do(r)
}

// days writes how long something lasts.
func days(d time.Duration) string {
	n := int(d.Hours() / 24)
	if n == 1 {
		return "1 day"
	}
	return strconv.Itoa(n) + " days"
}

// base is the issuer without a slash at its end.
func (o *outside) base() string { return strings.TrimRight(o.c.Issuer, "/") }
