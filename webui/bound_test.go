package webui_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/pagetest"
	"github.com/lanyard-id/lanyard/webui/records"
)

// TestEveryFormIsBoundToItsSignIn goes through all pages of an owner and keeps
// their forms. The owner signs in again in the same browser, then somebody else
// does. None of the forms does anything then: each shows a page again and says
// why. The same forms as rendered for the new session are carried out.
func TestEveryFormIsBoundToItsSignIn(t *testing.T) {
	pages := &hashed{meanwhile: func() {}}
	h := newHouseOn(t, furnished(t), func(h *house, c *webui.Config) {
		pages.house, c.Passwords, c.MinPassword = h, pages, local.MinPassword
	})
	ada, err := h.store.User(t.Context(), "ada")
	if err == nil {
		err = h.store.CreateUser(t.Context(), oauth.User{
			Subject: "bob", Identifier: "bob", PasswordHash: ada.PasswordHash, CreatedAt: h.clock.Now(),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	c, b := h.crawler(t)
	c.Skip, c.Most = func(string) bool { return true }, 3000
	var forms []pagetest.Form
	c.Seen = func(f pagetest.Form) {
		if f.Method == http.MethodPost {
			forms = append(forms, f)
		}
	}
	c.Crawl(b.issuer + "/devices")
	b.get("/devices?ui_locales=en") // the crawl has chosen another language
	kinds := map[string]bool{}
	for _, f := range forms {
		kinds[f.Action.Path[strings.LastIndexByte(f.Action.Path, '/'):]] = true
	}
	for _, kind := range []string{"/signout", "/name", "/permissions", "/seen", "/end", "/not-me", "/others", "/password", "/secure"} {
		if !kinds[kind] {
			t.Fatalf("no page has the form %s: %v", kind, kinds)
		}
	}
	for _, who := range []string{"ada", "bob"} {
		h.clock.Advance(time.Minute)
		b.get("/devices/signin?fresh=1")
		b.proveAs(who)
		b.is("/devices", http.StatusOK)
		before, holders, session := h.devices(), h.holders(), b.session()
		for _, f := range forms {
			values := url.Values{}
			for name, value := range f.Values {
				values[name] = value
			}
			values.Set("name", "A name from an old page")
			values.Set("password", "another lanyard around every key")
			values.Set("again", "another lanyard around every key")
			b.do("POST", f.Action.String(), values)
			again := b.at.Path == f.Action.Path && strings.Contains(b.page, webui.SignInChanged)
			if !again && b.at.Path != "/devices/apps" { // Bob has no such app, so there is no page to show again
				t.Fatalf("%s of an earlier sign-in: at %s (%d):\n%s", f.Action.Path, b.at, b.status, b.page)
			}
		}
		if after := h.devices(); !reflect.DeepEqual(before, after) || !reflect.DeepEqual(holders, h.holders()) || b.session() != session {
			t.Fatalf("the forms of an earlier sign-in did something as %s: %+v", who, after)
		}
	}
	b.post("/devices/signout", url.Values{})
	if b.at.Path != "/devices/goodbye" {
		t.Errorf("the form of this sign-in: at %s (%d):\n%s", b.at, b.status, b.page)
	}
}

// holders returns who holds grants on Ada's devices.
func (h *house) holders() []records.Holder {
	h.t.Helper()
	found, err := h.store.Holders(h.t.Context(), "ada", h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}
