package ory_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/ory"
)

func (h *house) tie(d devices.Device, kind devices.TieKind, ref string) {
	h.t.Helper()
	err := h.store.PutTie(h.t.Context(), devices.Tie{Kind: kind, Ref: ref, Subject: "ada", DeviceID: d.ID, At: h.clock.Now()})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) tied(kind devices.TieKind, ref string) bool {
	h.t.Helper()
	tie, err := h.store.Tie(h.t.Context(), kind, ref)
	if err != nil && !errors.Is(err, devices.ErrNotFound) {
		h.t.Fatal(err)
	}
	return err == nil && tie.EndedAt.IsZero()
}

// session is what Kratos says of a session.
func session(id string, active bool, issued, expires time.Time) string {
	is := "false"
	if active {
		is = "true"
	}
	return `{"id":"` + id + `","active":` + is + `,"issued_at":"` + issued.Format(time.RFC3339Nano) + `","expires_at":"` +
		expires.Format(time.RFC3339Nano) + `"}`
}

func TestWhatBecameOfSessions(t *testing.T) {
	const asks = "GET /admin/sessions/s"
	for _, tt := range []struct {
		name   string
		status int
		active bool
		left   time.Duration // of the session's life
		more   []devices.Tie
		lives  bool // the grant
		tied   bool // the session
		fails  bool
	}{
		{"it lives", http.StatusOK, true, time.Hour, nil, true, true, false},
		{"it was ended", http.StatusOK, false, time.Hour, nil, false, false, false},
		{"it is gone", http.StatusNotFound, false, 0, nil, false, false, false},
		{"it ran out", http.StatusOK, false, -time.Second, nil, true, false, false},
		{"it was ended, and another lives", http.StatusOK, false, time.Hour,
			[]devices.Tie{{Kind: devices.TieKratosSession, Ref: "t"}}, true, false, false},
		{"it was ended, and only Hydra has one", http.StatusOK, false, time.Hour,
			[]devices.Tie{{Kind: devices.TieHydraLogin, Ref: "sid"}}, false, false, false},
		{"trouble", http.StatusInternalServerError, false, 0, nil, true, true, true},
		{"not allowed", http.StatusUnauthorized, false, 0, nil, true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			now := h.clock.Now()
			h.kratos.says(asks, tt.status, session("s", tt.active, now, now.Add(tt.left)))
			h.kratos.says("GET /admin/sessions/t", http.StatusOK, session("t", true, now, now.Add(time.Hour)))
			d := h.enrolled()
			g := h.chain(d, "a")
			h.tie(d, devices.TieKratosSession, "s")
			for _, more := range tt.more {
				h.tie(d, more.Kind, more.Ref)
			}
			err := h.sweep().Once(t.Context())
			if (err != nil) != tt.fails || h.live(g) != tt.lives || h.tied(devices.TieKratosSession, "s") != tt.tied {
				t.Errorf("%v; the grant lives: %t; the session is tied: %t", err, h.live(g), h.tied(devices.TieKratosSession, "s"))
			}
		})
	}
}

// One session that Kratos cannot show keeps nobody from hearing of the others.
func TestOneSessionInTrouble(t *testing.T) {
	h := open(t)
	now := h.clock.Now()
	h.kratos.says("GET /admin/sessions/s", http.StatusOK, session("s", false, now, now.Add(time.Hour)))
	d := h.enrolled()
	g := h.chain(d, "a")
	for _, id := range []string{"a", "b", "s"} {
		h.tie(d, devices.TieKratosSession, id)
	}
	h.kratos.says("GET /admin/sessions/a", http.StatusInternalServerError, "{}")
	h.kratos.says("GET /admin/sessions/b", http.StatusOK, `{"active":"perhaps"}`)
	if err := h.sweep().Once(t.Context()); err == nil || h.tied(devices.TieKratosSession, "s") {
		t.Errorf("%v; the session that was ended is tied: %t", err, h.tied(devices.TieKratosSession, "s"))
	}
	if !h.live(g) || !h.tied(devices.TieKratosSession, "a") || !h.tied(devices.TieKratosSession, "b") {
		t.Error("trouble ended something")
	}
	// Where all are in trouble, Kratos is: it is not asked about each.
	for n := range 20 {
		h.tie(d, devices.TieKratosSession, fmt.Sprintf("t%02d", n))
		h.kratos.says(fmt.Sprintf("GET /admin/sessions/t%02d", n), http.StatusBadGateway, "")
	}
	h.kratos.forget()
	if err := h.sweep().Once(t.Context()); err == nil || len(h.kratos.asked) > 5 {
		t.Errorf("%v; asked %q", err, h.kratos.asked)
	}
}

func (h *house) sweep() *ory.Reconciler {
	return &ory.Reconciler{Client: h.client, Ties: h.store, Registry: h.registry, Log: slog.New(slog.DiscardHandler)}
}

// A session has no ID when it is met. Kratos is asked for it once it must have
// been saved.
func TestNewSessionsGetTheirNames(t *testing.T) {
	const all = "GET /admin/identities/ada/sessions"
	h := open(t)
	now := h.clock.Now()
	h.kratos.says(all, http.StatusOK, "["+session("s", true, now, now.Add(time.Hour))+"]")
	h.kratos.says("GET /admin/sessions/s", http.StatusOK, session("s", true, now, now.Add(time.Hour)))
	d := h.enrolled()
	g := h.chain(d, "a")
	ref := devices.KratosNew("ada", now)
	h.tie(d, devices.TieKratosNew, ref)
	once := func() {
		t.Helper()
		if err := h.sweep().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.clock.Advance(9 * time.Second)
	once()
	if len(h.kratos.asked) != 0 || !h.tied(devices.TieKratosNew, ref) {
		t.Errorf("it was asked for too early: %q", h.kratos.asked)
	}
	h.clock.Advance(time.Second)
	once()
	if h.tied(devices.TieKratosNew, ref) || !h.tied(devices.TieKratosSession, "s") || !h.live(g) {
		t.Error("it did not get its name")
	}
}

// One that was never saved, or ended before it was asked for, is gone.
func TestNewSessionsThatAreNoMore(t *testing.T) {
	h := open(t)
	h.kratos.says("GET /admin/identities/ada/sessions", http.StatusOK, "[]")
	d := h.enrolled()
	g := h.chain(d, "a")
	ref := devices.KratosNew("ada", h.clock.Now())
	h.tie(d, devices.TieKratosNew, ref)
	h.clock.Advance(time.Minute)
	if err := h.sweep().Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.tied(devices.TieKratosNew, ref) || h.live(g) {
		t.Error("the grant outlives every session of its device")
	}
}

func TestALogoutThatAClientAsksFor(t *testing.T) {
	const logout = "/admin/oauth2/auth/requests/logout"
	h := open(t)
	h.hydra.says("PUT "+logout+"/accept?logout_challenge=l", http.StatusOK, `{"redirect_to":"https://bye"}`)
	h.hydra.says("PUT "+logout+"/reject?logout_challenge=l", http.StatusNoContent, "")
	h.hydra.says("GET "+logout, http.StatusOK, `{"rp_initiated":true}`)
	if to, err := h.client.Logout(t.Context(), "l"); to != "https://bye" || err != nil {
		t.Errorf("%s, %v", to, err)
	}
	h.hydra.forget()
	h.hydra.says("GET "+logout, http.StatusOK, `{"rp_initiated":false}`)
	if _, err := h.client.Logout(t.Context(), "l"); !errors.Is(err, ory.ErrNotAsked) || has(h.hydra.asked, "PUT "+logout+"/accept?logout_challenge=l") {
		t.Errorf("nobody asked: %v, %q", err, h.hydra.asked)
	}
	h.hydra.says("GET "+logout, http.StatusNotFound, "{}")
	if _, err := h.client.Logout(t.Context(), "l"); !errors.Is(err, ory.ErrChallenge) {
		t.Errorf("an unknown one: %v", err)
	}
}
