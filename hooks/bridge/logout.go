package bridge

import (
	"errors"
	"net/http"

	"github.com/lanyard-id/lanyard/hooks/ory"
)

// logout lets a client sign its user out of Hydra (OpenID Connect RP-Initiated
// Logout 1.0): urls.logout. The client has shown the session's ID token, so
// nobody is asked.
func (b *Bridge) logout(w http.ResponseWriter, r *http.Request) {
	to, err := b.Hydra.Logout(r.Context(), r.URL.Query().Get("logout_challenge"))
	switch {
	case errors.Is(err, ory.ErrNotAsked):
		http.Error(w, "You are still signed in. Sign out in the app that you use.", http.StatusForbidden)
	case err != nil:
		b.fail(w, r, err)
	default:
		redirect(w, to)
	}
}
