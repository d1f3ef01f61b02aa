package pages_test

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// TestAnAlertLeadsOut: the page of a device whose token was copied says what was
// blocked, and "Secure my account" signs everything else out and ends at a new
// password, in one flow.
func TestAnAlertLeadsOut(t *testing.T) {
	var ada *reader
	w := newWorld(t, func(h *house.House, u house.User) {
		ada = newReader(t, h, mac())
		ada.goes("/devices", u)
	})
	ada.goes("/devices/"+w.phone.Tokens.Device, house.User{})
	ada.sees("Needs your attention", "An attempt to use \u2068Notes\u2069 from \u2068Firefox on Linux",
		"The access of \u2068Notes\u2069 on this device has ended", "Secure my account", "This was me",
		"Change your password", "sign out this device")
	staled(t, w.House)
	ada.goes("/devices/secure", house.User{})
	ada.sees("You sign in again", "All other devices", "You choose a new password")
	ada.submit("/devices/secure", nil, "")
	ada.surf()
	if a, err := w.phone.Refresh(); err != nil || a.Status != 200 {
		t.Fatalf("signed out before the fresh sign-in: %d %v", a.Status, err)
	}
	ada.proves(w.ada)
	ada.sees("All other devices are signed out", "Choose a new password now")
	for name, hand := range map[string]*house.Hand{"phone": w.phone, "tablet": w.other} {
		if a, err := hand.Refresh(); err != nil || a.Error() != "invalid_grant" {
			t.Errorf("the %s goes on: %d %v", name, a.Status, err)
		}
	}
	ada.submit("/devices/password", map[string]string{"password": "a new lanyard for Ada", "again": "a new lanyard for Ada"}, "")
	ada.sees("Your password was changed")
	thief := newReader(t, w.House, house.Thief())
	thief.goes("/devices", w.ada) // with the old password
	if _, asked := thief.page.Form("/login"); !asked || !strings.Contains(thief.page.Text, "Wrong username or password") {
		t.Errorf("the old password is good: %s", thief.page.Text)
	}
}
