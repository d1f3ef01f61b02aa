package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// BenchmarkRefresh is a plain-allow refresh at the handler, without a network
// between client and server.
func BenchmarkRefresh(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		for _, scope := range []string{"offline_access", "openid offline_access"} {
			b.Run(kind+"/"+strings.ReplaceAll(scope, " ", "+"), func(b *testing.B) {
				h := newHouseFor(b, kind)
				laptop := h.browser(devicestest.LaptopHeaders())
				got := laptop.token(redeem(laptop.code(ada, ask("scope", scope))))
				token := got.str("refresh_token")
				mux := http.NewServeMux()
				h.provider.Mount(mux)
				b.ReportAllocs()
				for b.Loop() {
					r := httptest.NewRequest("POST", "/oauth2/token", strings.NewReader(refreshForm(token).Encode()))
					r.Header = laptop.looks.Clone()
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					w := httptest.NewRecorder()
					mux.ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Fatal(w.Code, w.Body)
					}
					_, rest, _ := strings.Cut(w.Body.String(), `"refresh_token":"`)
					token, _, _ = strings.Cut(rest, `"`)
				}
			})
		}
	}
}

func newHouseFor(t testing.TB, kind string) *house {
	if kind == "postgres" {
		return newHouseInPostgres(t)
	}
	return newHouse(t)
}
