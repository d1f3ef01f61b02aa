package provider_test

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/lanyard-id/lanyard/devices"
)

// grantOf returns the ID of the grant that a refresh token names.
func (h *house) grantOf(a answer) string {
	h.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(a.str("refresh_token"), "ly_rt_"))
	if err != nil || len(raw) != 60 {
		h.t.Fatalf("no refresh token: %s", a.Raw)
	}
	return uuid.UUID(raw[4:20]).String()
}

// grant returns the grant of a refresh token as it stands.
func (h *house) grant(a answer) devices.Grant {
	h.t.Helper()
	held, err := h.store.Holding(h.t.Context(), h.grantOf(a))
	if err != nil {
		h.t.Fatal(err)
	}
	return held.Grant
}

// bearer returns an edit that adds an access token.
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// userinfo asks who an access token speaks for.
func (b *browser) userinfo(token string) answer { return b.do("GET", "/userinfo", nil, bearer(token)) }
