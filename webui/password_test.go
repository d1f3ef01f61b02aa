package webui_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/webui"
)

// hashed changes passwords in the store of a house, and runs something after
// the new one was hashed and before it is written.
type hashed struct {
	*house
	meanwhile func()
}

func (p *hashed) Identifier(ctx context.Context, subject string) (string, error) {
	user, err := p.store.User(ctx, subject)
	return user.Identifier, err
}

func (p *hashed) ChangePassword(ctx context.Context, by devices.Actor, password string) error {
	hash, err := local.HashPassword(password)
	if err != nil {
		return err
	}
	p.meanwhile()
	return p.store.SetPassword(ctx, by.Subject, hash, by.DeviceID, by.By, p.clock.Now())
}

// While one browser's new password is hashed, the password is changed
// elsewhere, which ends that browser's session. The page changes nothing then,
// and asks who is there.
func TestAnotherPasswordIsFaster(t *testing.T) {
	const chosen, faster = "a lanyard of a thief's", "a lanyard of the owner's"
	for name, change := range map[string]func(t *testing.T, h *house){
		"by an operator": func(t *testing.T, h *house) {
			hash, err := local.HashPassword(faster)
			if err == nil {
				err = h.store.SetPassword(t.Context(), "ada", hash, "", devices.Credential{}, h.clock.Now())
			}
			if err != nil {
				t.Error(err)
			}
		},
		"by the owner, at another page": func(t *testing.T, h *house) {
			owner := h.browser(onIPhone)
			owner.signIn()
			owner.post("/devices/password", url.Values{"password": {faster}, "again": {faster}})
			if owner.at.Query().Get("done") == "" {
				t.Errorf("the owner is at %s (%d)", owner.at, owner.status)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pages := &hashed{}
			h := newHouseOn(t, furnished(t), func(h *house, c *webui.Config) {
				pages.house, c.Passwords, c.MinPassword = h, pages, local.MinPassword
			})
			thief := h.browser(onWindows)
			thief.signIn()
			pages.meanwhile = func() {
				pages.meanwhile = func() {} // the owner's own change meets nobody
				change(t, h)
			}
			thief.post("/devices/password", url.Values{"password": {chosen}, "again": {chosen}})
			if thief.at.Query().Get("done") != "" {
				t.Errorf("at %s (%d)", thief.at, thief.status)
			}
			thief.get("/devices/password")
			thief.is("/login", http.StatusOK)
			a := local.New(h.store, h.clock.Now)
			for password, want := range map[string]bool{chosen: false, password: false, faster: true} {
				if _, err := a.Authenticate(t.Context(), "ada", password, "a source"); (err == nil) != want {
					t.Errorf("%q: %v", password, err)
				}
			}
		})
	}
}
