package pages_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// A logo that would run a script, if it could.
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" onload="document.documentElement.id='ran'">
<script>document.documentElement.id = "ran"</script><circle cx="16" cy="16" r="15" fill="#0a6847"/></svg>`

// TestPagesOfAService looks at the pages of a service with a name, a logo and a
// colour of its own, and at those where access is withdrawn.
func TestPagesOfAService(t *testing.T) {
	file := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(file, []byte(logo), 0o600); err != nil {
		t.Fatal(err)
	}
	browser := chromium(t)
	h := house.Open(t, house.SQLite, house.Set("webui.brand.name", "Fjord Bank"), house.Set("webui.brand.logo", file),
		house.Set("webui.brand.accent", "#0a6847"), house.Set("webui.brand.support_url", "https://fjord.example/help"))
	u := h.User("ada@example.com", "--name", "Ada Lovelace")
	ada := open(t, browser, h, windows())
	ada.signIn("/devices", u)
	notes := h.Client("--id", "notes", "--public", "--name", "Notes")
	phone := h.NewHand(notes, house.Phone())
	if a, err := phone.SignIn(u, "openid profile offline_access", nil); err != nil || a.Status != 200 {
		t.Fatal(a.Status, err)
	}
	asking := h.Client("--id", "asking", "--public", "--name", "Photo Prints", "--ask")
	ask := h.NewHand(asking, house.Laptop()).NewAsk("openid profile email offline_access devices", nil)
	stranger, operator := open(t, browser, h, windows()), operate(t, browser, h, windows())
	for _, one := range []struct {
		c          *chrome
		name, path string
	}{
		{stranger, "brand-login", "/devices"}, {stranger, "brand-error", "/oauth2/auth"},
		{ada, "brand-consent", strings.TrimPrefix(ask.URL, h.Issuer)}, {ada, "brand-devices", "/devices"},
		{ada, "brand-apps", "/devices/apps"}, {ada, "brand-withdraw", "/devices/apps/notes/end"},
		{operator, "brand-operator-apps", "/pages/apps?subject=" + u.Subject},
		{operator, "brand-operator-events", "/pages/events"},
	} {
		t.Run(one.name, func(t *testing.T) {
			for _, width := range []int64{1280, 360} {
				for _, dark := range []bool{false, true} {
					one.c.size(width, 900, dark)
					one.c.visit(one.path)
					one.c.check(t, fmt.Sprintf("%d wide, dark: %t", width, dark))
					if *screens != "" {
						one.c.picture(t, one.name, width, dark)
					}
				}
			}
			if one.c == operator {
				return
			}
			one.c.sees("Fjord Bank", "Help")
			if n := evaluate[int](one.c, `document.querySelector('img[src$="/logo.svg"]').naturalWidth`); n == 0 {
				t.Error("the logo is not shown")
			}
		})
	}
	source := evaluate[string](stranger, `document.querySelector('img[src$="/logo.svg"]').src`)
	stranger.visit(strings.TrimPrefix(source, h.Issuer))
	if ran := evaluate[string](stranger, `document.documentElement.id`); ran != "" {
		t.Error("the logo, opened by itself, runs a script")
	}
	stranger.problems = nil // the browser says that it refused the script

	ada.visit("/devices/apps/notes/end")
	ada.click("main button.wrong")
	ada.sees("no longer has access", "All access ended immediately")
	if a, err := phone.Refresh(); err != nil || a.Status != 400 {
		t.Errorf("a refresh after the withdrawal: %d, %v", a.Status, err)
	}
}
