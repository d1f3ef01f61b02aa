package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// doctor runs the doctor, wants this status, and returns what it prints.
func doctor(t *testing.T, h *house.House, status int) string {
	t.Helper()
	r := h.Run("", "doctor")
	if r.Status != status {
		t.Errorf("status %d, want %d\n%s%s", r.Status, status, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

func says(t *testing.T, printed string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(printed, want) {
			t.Errorf("the doctor does not say %q:\n%s", want, printed)
		}
	}
}

// A provider that is not running is not well. One that is, on this machine, is.
func TestDoctorOfAPlainProvider(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.New(t, d)
		says(t, doctor(t, h, 1), "missing  lanyard: server: nothing answers at http://", "start it: lanyard serve",
			"missing  lanyard: issuer: "+h.Issuer+" cannot be reached from here", "advice   lanyard: keys: there are none yet")
		h.Start()
		printed := doctor(t, h, 0)
		says(t, printed, "good     lanyard: database: ", "good     lanyard: keys: secrets.system opens them", "good     lanyard: clock: ",
			"good     lanyard: server: http://", " answers and is ready, version ", "good     lanyard: tls: http, for this machine alone",
			"good     lanyard: issuer: "+h.Issuer+"/.well-known/openid-configuration leads to lanyard", "good     lanyard: proxies: there is none")
		if strings.Contains(printed, "advice") {
			t.Errorf("advice on what is well:\n%s", printed)
		}
		answer, err := http.Get(h.Issuer + "/health/mirror")
		must(t, err)
		if _ = answer.Body.Close(); answer.StatusCode != http.StatusNotFound {
			t.Errorf("a stranger looks into the mirror: %s", answer.Status)
		}
	})
}

// An issuer that leads to another installation, or to nothing of the kind.
func TestDoctorFollowsTheIssuer(t *testing.T) {
	other := house.Open(t, house.SQLite)
	for _, tt := range []struct{ issuer, want string }{
		{other.Issuer, "publishes other keys than this database has: the issuer leads to another installation"},
		{other.Admin, "which is no OpenID provider: have " + other.Admin + " lead to public.listen"},
		{strings.Replace(other.Issuer, "127.0.0.1", "localhost", 1), `names the issuer "` + other.Issuer + `", and the configuration says "http://localhost`},
	} {
		h := house.New(t, house.SQLite, house.Set("issuer", tt.issuer))
		h.Start()
		printed := doctor(t, h, 1)
		says(t, printed, "good     lanyard: server: ", "missing  lanyard: issuer: ", tt.want)
	}
	h := house.New(t, house.SQLite)
	h.Change(house.Set("public.listen", strings.TrimPrefix(other.Issuer, "http://")))
	says(t, doctor(t, h, 1), "is answered by another program, or by a lanyard that is older than this one or has other secrets.system")
}

// The nginx of the documents serves people, and the doctor is content with it.
func TestDoctorThroughTheSampleOfNginx(t *testing.T) {
	at, dir := house.Address(t), t.TempDir()
	cert, key := certify(t, dir, "127.0.0.1", 90*24*time.Hour)
	t.Setenv("SSL_CERT_FILE", cert)
	h := house.New(t, house.SQLite, house.Set("issuer", "https://"+at), house.Set("trusted_proxies", []string{"127.0.0.1/32"}))
	h.Start()
	nginx(t, at, sample(t, strings.TrimPrefix(h.Issuer, "http://"), at, cert, key))

	ada := h.User("ada@example.com")
	laptop := h.NewHand(h.Client("--public"), house.Laptop())
	laptop.At = "https://" + at
	laptop.Trust(trusts(t, cert))
	good(t, http.StatusOK)(laptop.SignIn(ada, everything, nil))
	good(t, http.StatusOK)(laptop.Refresh())

	printed := doctor(t, h, 0)
	says(t, printed, "good     lanyard: issuer: https://"+at, "good     lanyard: tls: the certificate is for this host, from an authority",
		"good     lanyard: proxies: User-Agent and Accept-Language arrive", "good     lanyard: trusted_proxies: addresses of clients arrive: this machine is 127.0.0.1")
}

// What is wrong in front, and what the doctor says to change.
func TestDoctorSeesWhatProxiesSpoil(t *testing.T) {
	const day = 24 * time.Hour
	replaced := func(from, to string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, from) {
				t.Errorf("the sample does not say %q", from)
			}
			return strings.ReplaceAll(text, from, to)
		}
	}
	as := func(text string) string { return text }
	const line = "proxy_set_header X-Forwarded-For $remote_addr;"
	for _, tt := range []struct {
		name    string
		ip      string
		lasts   time.Duration
		change  func(string) string
		trusted string
		wants   []string
		status  int
	}{
		{"nobody is trusted", "127.0.0.1", 90 * day, as, "", []string{"missing  lanyard: trusted_proxies: requests come through 127.0.0.1, which is not among them",
			"           trusted_proxies: [\"127.0.0.1/32\"]"}, 1},
		{"another is trusted", "127.0.0.1", 90 * day, as, "10.1.2.3/32", []string{"           trusted_proxies: [\"10.1.2.3/32\", \"127.0.0.1/32\"]"}, 1},
		{"everybody is trusted", "127.0.0.1", 90 * day, as, "0.0.0.0/0", []string{"missing  lanyard: trusted_proxies: 0.0.0.0/0 is everybody"}, 1},
		{"what the client wrote is passed on", "127.0.0.1", 90 * day, replaced(line, ""), "127.0.0.1/32",
			[]string{"missing  lanyard: trusted_proxies: the proxy passes on the X-Forwarded-For that its client sent", "$remote_addr;"}, 1},
		{"no address is sent", "127.0.0.1", 90 * day, replaced(line, `proxy_set_header X-Forwarded-For "";`), "127.0.0.1/32",
			[]string{"missing  lanyard: trusted_proxies: the proxy sends no X-Forwarded-For"}, 1},
		{"appended", "127.0.0.1", 90 * day, replaced(line, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"), "127.0.0.1/32",
			[]string{"advice   lanyard: trusted_proxies: the doctor's own address is a trusted proxy's"}, 0},
		{"User-Agent is replaced", "127.0.0.1", 90 * day, replaced(line, line+"\nproxy_set_header User-Agent proxy;"), "127.0.0.1/32",
			[]string{`missing  lanyard: proxies: the proxy in front changes User-Agent ("proxy" arrives)`}, 1},
		{"another path", "127.0.0.1", 90 * day, replaced("location / {", "location /elsewhere {"), "127.0.0.1/32",
			[]string{"/.well-known/openid-configuration answers 40", "which is no OpenID provider: have https://"}, 1},
		{"another host's certificate", "127.0.0.2", 90 * day, as, "127.0.0.1/32", []string{"has a certificate for another host", "127.0.0.2"}, 1},
		{"a certificate that has ended", "127.0.0.1", -time.Hour, as, "127.0.0.1/32", []string{"has a certificate that is good from", "only: renew it"}, 1},
		{"a certificate that ends soon", "127.0.0.1", 3*day + time.Hour, as, "127.0.0.1/32", []string{"advice   lanyard: tls: the certificate ends in 3 days, on "}, 0},
		{"an authority that is not trusted", "", 90 * day, as, "127.0.0.1/32", []string{"from an authority that is not trusted here"}, 1},
		{"no TLS", "127.0.0.1", 90 * day, replaced(" ssl;", ";"), "127.0.0.1/32", []string{"is answered without TLS"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := house.Address(t)
			trusted, _ := certify(t, t.TempDir(), "127.0.0.1", 90*day) // somebody's
			ip := tt.ip
			if ip == "" {
				ip = "127.0.0.1"
			}
			cert, key := certify(t, t.TempDir(), ip, tt.lasts)
			if tt.ip != "" {
				trusted = cert
			}
			t.Setenv("SSL_CERT_FILE", trusted)
			proxies := []string{}
			if tt.trusted != "" {
				proxies = append(proxies, tt.trusted)
			}
			h := house.New(t, house.SQLite, house.Set("issuer", "https://"+at), house.Set("trusted_proxies", proxies))
			h.Start()
			nginx(t, at, tt.change(sample(t, strings.TrimPrefix(h.Issuer, "http://"), at, cert, key)))
			says(t, doctor(t, h, tt.status), tt.wants...)
		})
	}
}

// Several people who all seem to be in one place, with one computer, are behind
// a proxy that hides them, or else in one office: the operator knows which.
func TestDoctorSeesThatEverybodyIsAlike(t *testing.T) {
	h := house.Open(t, house.SQLite)
	notes := h.Client("--public")
	for _, name := range []string{"ada", "bob", "cyd", "dan", "eve"} {
		good(t, http.StatusOK)(h.NewHand(notes, house.Laptop()).SignIn(h.User(name+"@example.com"), everything, nil))
	}
	says(t, doctor(t, h, 0), "advice   lanyard: devices: the last 5 all seem to be at 127.0.0.1", "advice   lanyard: devices: the last 5, of 5 people, all are ")
	good(t, http.StatusOK)(h.NewHand(notes, house.Phone()).SignIn(h.User("fay@example.com"), everything, nil))
	if printed := doctor(t, h, 0); strings.Contains(printed, "people, all are") {
		t.Errorf("a phone is no laptop:\n%s", printed)
	}
}
