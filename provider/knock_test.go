package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestKnockingOnAndOn comes back with what was stolen and is refused: the owner
// is told, and the tables do not grow with each knock.
func TestKnockingOnAndOn(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "keyed", DPoPBound: true})
	laptop := h.browser(devicestest.LaptopHeaders())
	code := laptop.code(ada, ask("client_id", "keyed"))
	token := laptop.token(redeem(code, "client_id", "keyed"), h.prover().proves("POST", "/oauth2/token")).str("refresh_token")
	at, _ := url.Parse(h.issuer)
	var session *http.Cookie
	for _, c := range laptop.http.Jar.Cookies(at) {
		if strings.HasSuffix(c.Name, "_session") {
			session = c
		}
	}
	for name, knock := range map[string]func(*browser){
		"a bound token without its key": func(b *browser) { b.token(refreshForm(token, "client_id", "keyed")) },
		"a session without its device": func(b *browser) {
			b.do("GET", "/oauth2/auth?"+ask().Encode(), nil, func(r *http.Request) { r.AddCookie(session) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			const refusals = "events WHERE type <> 'device.flagged'"
			before, told := h.rows("judgments"), h.rows(refusals)
			for range 30 {
				knock(h.browser(devicestest.LaptopHeaders()))
				h.clock.Advance(4 * time.Second)
			}
			if n := h.rows("judgments") - before; n != 2 {
				t.Errorf("%d judgments are kept in two minutes", n)
			}
			if n := h.rows(refusals) - told; n != 2 {
				t.Errorf("%d events are told in two minutes", n)
			}
		})
	}
	if n := h.rows("events WHERE type = 'device.flagged'"); n != 1 {
		t.Errorf("the device was flagged %d times", n)
	}
}

func (h *house) rows(table string) int { return len(h.query("SELECT * FROM " + table)) }
