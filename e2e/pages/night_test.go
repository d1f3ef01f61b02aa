package pages_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// TestAnIncidentAtNight: somebody signs in with the passwords of two users. An
// operator finds the devices, signs exactly those out, disables an account until
// it has a new password, and enables it again.
func TestAnIncidentAtNight(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada, bob := h.User("ada@example.com"), h.User("bob@example.com")
	notes := h.Client("--id", "notes", "--public", "--name", "Notes")
	signIn := func(hand *house.Hand, u house.User) {
		t.Helper()
		if a, err := hand.SignIn(u, offline, nil); err != nil || a.Status != 200 {
			t.Fatalf("sign-in: %d %v %s", a.Status, err, a.Body)
		}
	}
	refreshes := func(hand *house.Hand, want string) {
		t.Helper()
		if a, err := hand.Refresh(); err != nil || a.Error() != want {
			t.Errorf("refresh: %d %v %s, want %q", a.Status, err, a.Body, want)
		}
	}
	adas, bobs := h.NewHand(notes, house.Phone()), h.NewHand(notes, house.Laptop())
	signIn(adas, ada)
	signIn(bobs, bob)
	thief, thief2 := h.NewHand(notes, house.Thief()), h.NewHand(notes, house.Thief())
	signIn(thief, ada)
	signIn(thief2, bob)

	operator := operate(t, chromium(t), h, windows())
	operator.click("header a[href='/pages/events']")
	operator.sees("device.enrolled", "ada@example.com")
	operator.visit("/pages")
	operator.write("#os", "Linux")
	operator.click("form[action='/pages'] button")
	operator.sees("ada@example.com", "bob@example.com", "Firefox on Linux")
	operator.click("main .deeds a.wrong")
	operator.sees("Sign out 2 devices?", "Firefox on Linux")
	operator.click("main form[action='/pages/revoke'] button")
	operator.sees("2 devices were signed out")
	refreshes(thief, "invalid_grant")
	refreshes(thief2, "invalid_grant")
	refreshes(adas, "")
	refreshes(bobs, "")

	// The thief still knows Ada's password.
	operator.visit("/pages/devices/" + adas.Tokens.Device)
	operator.click(".crumb a[href^='/pages/subject?']")
	operator.click("main form button.wrong")
	operator.sees("This account is disabled")
	refreshes(adas, "invalid_grant")
	if a, err := thief.SignIn(ada, offline, nil); err == nil {
		t.Errorf("a disabled user signs in: %d %s", a.Status, a.Body)
	}
	old := ada
	ada.Password = "another lanyard for every key"
	if r := h.Run(ada.Password, "users", "passwd", ada.Identifier, "--password", "-"); r.Status != 0 {
		t.Fatal(r.Stdout, r.Stderr)
	}
	operator.click("main form button")
	operator.sees("Disable account")
	if a, err := thief.SignIn(old, offline, nil); err == nil {
		t.Errorf("the old password signs in: %d %s", a.Status, a.Body)
	}
	signIn(adas, ada)
	refreshes(adas, "")
	refreshes(bobs, "")
	operator.do(chromedp.Navigate(h.Admin + "/pages?subject=" + ada.Subject))
	operator.sees("Safari on iPhone", "Firefox on Linux")
}
