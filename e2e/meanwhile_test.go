package e2e_test

import (
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// A thief keeps posting the old password, in several browsers, while it is
// changed. Once the change is done, none of them is signed in.
func TestAnOldPasswordEndsWithItsChange(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		notes := h.Client("--id", "notes", "--public")
		for round := range 8 {
			ada := h.User("ada-" + strconv.Itoa(round) + "@example.com")
			thieves := make([]*house.Hand, 3)
			var all sync.WaitGroup
			for i := range thieves {
				thieves[i] = h.NewHand(notes, house.Thief())
				all.Go(func() { signsInUntilRefused(t, thieves[i], ada) })
			}
			h.CLI("users", "passwd", ada.Identifier)
			all.Wait()
			for _, thief := range thieves {
				back, err := thief.Browser.SignIn(thief.NewAsk(everything, url.Values{"prompt": {"none"}}).URL, ada)
				if err != nil || back.Query().Get("error") != "login_required" {
					t.Fatalf("round %d: the old password is signed in: %v, %v", round, back, err)
				}
			}
		}
	})
}

// signsInUntilRefused posts the password on one page again and again.
func signsInUntilRefused(t *testing.T, hand *house.Hand, u house.User) {
	page, err := hand.Browser.Visit(hand.NewAsk(everything, nil).URL)
	if err != nil {
		t.Error(err)
		return
	}
	form, _ := page.Form("/login")
	for {
		got, err := hand.Browser.Submit(page, form, map[string]string{"identifier": u.Identifier, "password": u.Password}, "")
		switch {
		case err != nil:
			t.Error(err)
			return
		case got.Away != nil: // signed in, and sent to the client
		case got.Status == http.StatusOK: // signed in, and out again on the way there
		case got.Status == http.StatusConflict: // the form's device was signed out: here is another form
			page = got
			form, _ = page.Form("/login")
		case got.Status == http.StatusUnauthorized:
			return
		default:
			t.Errorf("a login was answered %d: %s", got.Status, got.Text)
			return
		}
	}
}
