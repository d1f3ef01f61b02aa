package ory_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
)

const (
	consents = "/admin/oauth2/auth/sessions/consent"
	logins   = "/admin/oauth2/auth/sessions/login"
	// oneChain and allChains are what is asked to end the chain "a", and all
	// that Ada has with the client.
	oneChain  = "DELETE " + consents + "?consent_request_id=a"
	allChains = "DELETE " + consents + "?client=client&subject=ada"
	listed    = "GET " + consents
)

// v230 answers as a Hydra that cannot end one chain, with these consents.
func v230(h *house, challenges ...string) {
	h.hydra.says(oneChain, http.StatusBadRequest, `{"error":"invalid_request","error_description":"Query parameter 'subject' is not defined but should have been."}`)
	h.hydra.says(allChains, http.StatusNoContent, "")
	var list []string
	for _, c := range challenges {
		challenge, client, _ := strings.Cut(c, " of ")
		if client == "" {
			client = "client"
		}
		list = append(list, `{"consent_request":{"challenge":"`+challenge+`","client":{"client_id":"`+client+`"}}}`)
	}
	h.hydra.says(listed, http.StatusOK, "["+strings.Join(list, ",")+"]")
}

// v254 answers as a Hydra that can end one chain, and lists these consents.
func v254(h *house, requests ...string) {
	h.hydra.says(oneChain, http.StatusNoContent, "")
	var list []string
	for _, r := range requests {
		list = append(list, `{"consent_request":`+strings.Replace(r, "{", `{"challenge":"c",`, 1)+`}`)
	}
	h.hydra.says(listed, http.StatusOK, "["+strings.Join(list, ",")+"]")
}

func TestEndingAChain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		set   func(*house)
		state devices.LegState
		until time.Duration
		asked string // the last thing that was asked
	}{
		{"a Hydra that can", func(h *house) { v254(h, `{"consent_request_id":"b"}`, `{"consent_request_id":"a"}`) }, devices.LegDone, 0, oneChain},
		{"a Hydra that lists none", func(h *house) { v254(h) }, devices.LegHeld, time.Hour, oneChain},
		{"a Hydra that lists others", func(h *house) { v254(h, `{"consent_request_id":"b"}`) }, devices.LegHeld, time.Hour, oneChain},
		{"a Hydra that can, but not list", func(h *house) {
			v254(h)
			h.hydra.says(listed, http.StatusInternalServerError, "{}")
		}, "", 0, ""},
		{"v2.3.0, and it is the only one", func(h *house) { v230(h, "a") }, devices.LegDone, 0, allChains},
		{"v2.3.0, which has none any more", func(h *house) { v230(h) }, devices.LegHeld, time.Hour, allChains},
		{"v2.3.0, and another client's", func(h *house) { v230(h, "a", "x of another") }, devices.LegDone, 0, allChains},
		{"v2.3.0, and another that has ended here", func(h *house) {
			v230(h, "a", "b")
			d := h.enrolled()
			h.chain(d, "b")
			if _, err := h.registry.EndGrantsOf(h.t.Context(), "ada", d.ID, devices.ReasonLogout); err != nil {
				h.t.Fatal(err)
			}
		}, devices.LegDone, 0, allChains},
		{"v2.3.0, and another that lives here", func(h *house) {
			v230(h, "a", "b")
			h.chain(h.enrolled(), "b")
		}, devices.LegHeld, time.Hour, oneChain},
		{"v2.3.0, and another that only Hydra knows", func(h *house) { v230(h, "a", "b") }, devices.LegHeld, time.Hour, ""},
		{"v2.3.0, which cannot list", func(h *house) {
			v230(h)
			h.hydra.says(listed, http.StatusInternalServerError, "{}")
		}, "", 0, ""},
		{"v2.3.0, which cannot end", func(h *house) {
			v230(h)
			h.hydra.says(allChains, http.StatusServiceUnavailable, "{}")
		}, "", 0, allChains},
		{"trouble", func(h *house) {
			v254(h)
			h.hydra.says(oneChain, http.StatusBadGateway, "")
		}, "", 0, oneChain},
		{"down", func(h *house) { h.close[0]() }, "", 0, ""},
		{"nowhere", func(h *house) {
			h.client.HydraAdmin = ""
		}, devices.LegHeld, time.Hour, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			tt.set(h)
			h.hydra.forget()
			l, err := h.client.End(t.Context(), devices.Leg{
				Kind: devices.LegHydraChain, Ref: "a", Subject: "ada", ClientID: "client", State: devices.LegPending,
			})
			if (err != nil) != (tt.state == "") {
				t.Fatalf("%+v, %v", l, err)
			}
			if err == nil && l.State != tt.state {
				t.Errorf("it is %s, want %s", l.State, tt.state)
			}
			if until := l.Until.Sub(h.clock.Now()); err == nil && (tt.until == 0) != l.Until.IsZero() || tt.until != 0 && until != tt.until {
				t.Errorf("until %s, want in %s", l.Until, tt.until)
			}
			if tt.state == devices.LegHeld && l.Trouble != devices.TroubleUnconfirmed && has(h.hydra.asked, allChains) {
				t.Error("it ended what belongs to other devices")
			}
			if n := len(h.hydra.asked); tt.asked != "" && (n == 0 || h.hydra.asked[n-1] != tt.asked) {
				t.Errorf("asked: %q, want %q last", h.hydra.asked, tt.asked)
			}
		})
	}
}

func TestEndingSessions(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 59, 31, 737475856, time.UTC)
	const all = "GET /admin/identities/ada/sessions"
	session := func(id, issued, agent string) string {
		return `{"id":"` + id + `","active":true,"issued_at":"` + issued + `","identity":{"id":"ada","schema_id":"d","schema_url":"u","traits":{}},` +
			`"devices":[{"id":"d","user_agent":"` + agent + `"}]}`
	}
	three := "[" + session("one", "2026-11-23T15:59:31.737475Z", "A") + "," + session("two", "2026-11-23T15:59:31.737476Z", "A") + "," +
		session("three", "2026-11-23T15:59:35Z", "B") + "]"
	for _, tt := range []struct {
		name  string
		leg   devices.Leg
		set   func(*house)
		state devices.LegState // empty: to be tried again
		ended []string
	}{
		{"Hydra's", devices.Leg{Kind: devices.LegHydraLogin, Ref: "s"}, func(h *house) {
			h.hydra.says("DELETE "+logins+"?sid=s", http.StatusNoContent, "")
		}, devices.LegDone, nil},
		{"Hydra's, unknown", devices.Leg{Kind: devices.LegHydraLogin, Ref: "s"}, func(h *house) {
			h.hydra.says("DELETE "+logins, http.StatusNotFound, "{}")
		}, devices.LegDone, nil},
		{"Hydra's, in trouble", devices.Leg{Kind: devices.LegHydraLogin, Ref: "s"}, func(h *house) {
			h.hydra.says("DELETE "+logins, http.StatusInternalServerError, "{}")
		}, "", nil},
		{"Hydra's, nowhere", devices.Leg{Kind: devices.LegHydraLogin, Ref: "s"}, func(h *house) { h.client.HydraAdmin = "" }, devices.LegHeld, nil},
		{"a consent", devices.Leg{Kind: devices.LegHydraConsent, Ref: "e", Subject: "ada", ClientID: "client"}, func(h *house) {
			h.hydra.says(allChains, http.StatusNoContent, "")
		}, devices.LegDone, nil},
		{"a consent, unknown", devices.Leg{Kind: devices.LegHydraConsent, Ref: "e", Subject: "ada", ClientID: "client"}, func(h *house) {
			h.hydra.says(allChains, http.StatusNotFound, "{}")
		}, devices.LegDone, nil},
		{"a consent, in trouble", devices.Leg{Kind: devices.LegHydraConsent, Ref: "e", Subject: "ada", ClientID: "client"}, func(h *house) {
			h.hydra.says(allChains, http.StatusInternalServerError, "{}")
		}, "", nil},
		{"a consent, nowhere", devices.Leg{Kind: devices.LegHydraConsent, Ref: "e", Subject: "ada", ClientID: "client"}, func(h *house) {
			h.client.HydraAdmin = ""
		}, devices.LegHeld, nil},
		{"Kratos'", devices.Leg{Kind: devices.LegKratosSession, Ref: "s"}, func(h *house) {
			h.kratos.says("DELETE /admin/sessions/s", http.StatusNoContent, "")
		}, devices.LegDone, []string{"s"}},
		{"Kratos', unknown", devices.Leg{Kind: devices.LegKratosSession, Ref: "s"}, func(h *house) {
			h.kratos.says("DELETE /admin/sessions/s", http.StatusNotFound, "{}")
		}, devices.LegDone, []string{"s"}},
		{"Kratos', not allowed", devices.Leg{Kind: devices.LegKratosSession, Ref: "s"}, func(h *house) {
			h.kratos.says("DELETE /admin/sessions/s", http.StatusForbidden, "{}")
		}, "", []string{"s"}},
		{"Kratos', nowhere", devices.Leg{Kind: devices.LegKratosSession, Ref: "s"}, func(h *house) { h.client.KratosAdmin = "" }, devices.LegHeld, nil},
		{"one that was new, to the microsecond", devices.Leg{Kind: devices.LegKratosNew, Ref: devices.KratosNew("ada", at)}, func(h *house) {
			h.kratos.says(all, http.StatusOK, three)
		}, devices.LegDone, []string{"one"}},
		{"those about then, of the same browser", devices.Leg{Kind: devices.LegKratosNew, Ref: devices.KratosAbout("ada", at, "A")}, func(h *house) {
			h.kratos.says(all, http.StatusOK, three)
		}, devices.LegDone, []string{"one", "two"}},
		{"one that was new, of nobody any more", devices.Leg{Kind: devices.LegKratosNew, Ref: devices.KratosNew("ada", at)}, func(h *house) {
			h.kratos.says(all, http.StatusNotFound, "{}")
			h.clock.Advance(24 * time.Hour)
		}, devices.LegDone, nil},
		{"one that was new, in trouble", devices.Leg{Kind: devices.LegKratosNew, Ref: devices.KratosNew("ada", at)}, func(h *house) {
			h.kratos.says(all, http.StatusInternalServerError, "{}")
		}, "", nil},
		{"what nobody knows", devices.Leg{Kind: "other", Ref: "s"}, func(*house) {}, devices.LegHeld, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			for _, id := range []string{"one", "two", "three"} {
				h.kratos.says("DELETE /admin/sessions/"+id, http.StatusNoContent, "")
			}
			tt.set(h)
			tt.leg.State = devices.LegPending
			l, err := h.client.End(t.Context(), tt.leg)
			if (err != nil) != (tt.state == "") || err == nil && l.State != tt.state {
				t.Errorf("%+v, %v; want %s", l, err, tt.state)
			}
			var ended []string
			for _, what := range h.kratos.asked {
				if id, is := strings.CutPrefix(what, "DELETE /admin/sessions/"); is {
					ended = append(ended, id)
				}
			}
			if diff := cmp.Diff(tt.ended, ended); diff != "" {
				t.Error(diff)
			}
		})
	}
}
