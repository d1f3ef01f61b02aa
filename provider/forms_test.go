package provider_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestFormsBelongToTheirSignIn: one person's page is answered while another has
// signed in with the same browser. Nothing happens, and the page asks anew.
func TestFormsBelongToTheirSignIn(t *testing.T) {
	h := newHouse(t)
	h.thirdParty(oauth.Client{
		ID: "third", AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code"},
		Scope: "openid profile",
	})
	family := h.browser(devicestest.LaptopHeaders())
	family.signIn(ada)
	flow := family.flowFrom(t, ask("client_id", "third", "scope", "openid"))
	wider := family.flowFrom(t, ask("client_id", "third", "scope", "openid profile"))
	page := func(flow string) string { return "/consent?" + url.Values{"flow": {flow}}.Encode() }
	adas, leaving := family.filled(page(flow), "allow"), family.filled(logoutPath, "allow")

	asksAgain := func(name, path string, form url.Values, says string) {
		h.unchanged(t, func() {
			a := family.do("POST", path, form)
			if a.page(t, http.StatusOK); !strings.Contains(a.Raw, says) || !strings.Contains(a.Raw, `value="allow"`) {
				t.Errorf("%s: %s", name, a.Raw)
			}
		})
	}
	asksAgain("a form without what was shown", "/consent", with(adas, "shown", ""), "Allow")
	asksAgain("another request's", "/consent", with(family.filled(page(wider), "allow"), "flow", flow), "Allow")
	asksAgain("the flow as what was shown", "/consent", with(family.filled(page(flow), "allow"), "shown", flow), "Allow")
	adas = family.filled(page(flow), "allow")

	family.signOut().want(t, http.StatusOK, "")
	family.signIn(bob)
	asksAgain("Ada's consent from Bob", "/consent", adas, "Allow")
	asksAgain("Ada's way out for Bob", logoutPath+"/confirm", leaving, "Sign out?")
	if who := family.whoami(t); who != "bob" {
		t.Errorf("it is %q", who)
	}
}

// TestSealedForOnePurpose: what was sealed for one page opens no other.
func TestSealedForOnePurpose(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	to, err := url.Parse(laptop.do("POST", logoutPath, url.Values{"client_id": {"app"}}).Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	leaving, shown := to.Query().Get("flow"), laptop.filled(logoutPath, "allow").Get("shown")
	flow := h.browser(devicestest.LaptopHeaders()).flowFrom(t, ask())
	if leaving == "" || shown == "" {
		t.Fatalf("nothing is sealed: %q, %q", leaving, shown)
	}
	h.unchanged(t, func() {
		for _, sealed := range []string{leaving, shown} {
			for _, path := range []string{"/login", "/consent", "/oauth2/auth/resume"} {
				laptop.do("GET", path+"?"+url.Values{"flow": {sealed}}.Encode(), nil).page(t, http.StatusBadRequest)
			}
		}
		for _, sealed := range []string{flow, shown} {
			laptop.do("GET", logoutPath+"?"+url.Values{"flow": {sealed}}.Encode(), nil).page(t, http.StatusBadRequest)
		}
		for _, sealed := range []string{flow, leaving} {
			form := url.Values{"shown": {sealed}, "decision": {"allow"}}
			laptop.do("POST", logoutPath+"/confirm", form).page(t, http.StatusBadRequest)
		}
	})
}

// TestSwitchAccountOnTheConsentPage follows the page's link: whoever signs in
// there is asked the same, and the code is theirs.
func TestSwitchAccountOnTheConsentPage(t *testing.T) {
	h := newHouse(t)
	h.thirdParty(oauth.Client{
		ID: "third", AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code"},
		Scope: "openid profile",
	})
	family := h.browser(devicestest.LaptopHeaders())
	family.signIn(ada)
	asked := family.do("GET", "/consent?"+url.Values{"flow": {family.flowFrom(t, ask("client_id", "third", "scope", "openid"))}}.Encode(), nil)
	link := regexp.MustCompile(`<a href="([^"]+)">Not you\? Switch account</a>`).FindStringSubmatch(asked.Raw)
	if link == nil {
		t.Fatalf("the page leads to no other account: %s", asked.Raw)
	}
	form := family.filled(html.UnescapeString(link[1]), "")
	form.Set("identifier", bob)
	form.Set("password", password)
	at := family.do("POST", "/login", form).Header.Get("Location")
	resumed := family.do("GET", at, nil).Header.Get("Location")
	if again := family.do("GET", resumed, nil); !strings.Contains(again.Raw, `value="allow"`) {
		t.Errorf("Bob is not asked: %s", again.Raw)
	}
	if who := family.whoami(t); who != "bob" {
		t.Errorf("it is %q", who)
	}
}
