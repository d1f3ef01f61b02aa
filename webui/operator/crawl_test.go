package operator_test

import (
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

// crawled is a house with more than one page of devices, of several subjects
// and in every state, and a crawler that is signed in to it.
func crawled(t *testing.T) (*house, *pagetest.Crawler, string) {
	t.Helper()
	h := newHouse(t)
	h.fill("ada", 60)
	h.fill("eve & co=1", 2)
	flagged := func(d *devices.Device) { d.State, d.FlaggedReason = devices.StateFlagged, devices.ReasonOSChanged }
	ended := func(d *devices.Device) {
		d.State, d.RevokedAt, d.RevokedReason = devices.StateRevoked, h.clock.Now(), devices.ReasonOwner
	}
	h.put("ada", h.laptop(flagged), h.laptop(flagged), h.laptop(ended))
	h.put("eve & co=1", h.laptop(flagged), h.laptop(ended))
	server := httptest.NewServer(h.door("token"))
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &pagetest.Crawler{
		T: t, Client: &http.Client{Jar: jar}, Most: 3000,
		Params: []string{"subject", "device", "address", "asn", "os", "state", "after", "follow", "type", "client", "from", "to", "ui_locales"},
		Inputs: map[string]string{"token": "token"},
		Skip:   func(action string) bool { return action == "/pages/signout" },
	}
	c.Submit(pagetest.Form{Method: "POST", Action: must(url.Parse(server.URL + "/pages/signin")), Values: url.Values{"token": {""}}})
	return h, c, server.URL + "/pages"
}

func must(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}

// TestEveryLinkAndFormLeadsSomewhere crawls the pages from a search.
func TestEveryLinkAndFormLeadsSomewhere(t *testing.T) {
	h, c, at := crawled(t)
	pages, forms := c.Crawl(at + "?subject=ada")
	if pages < 200 || forms < 60 {
		t.Errorf("only %d pages and %d forms", pages, forms)
	}
	if n := h.live("ada"); n != 0 {
		t.Errorf("every form was submitted, and %d devices are live", n)
	}
}

// labelled returns where the link with a label leads.
func labelled(t *testing.T, p pagetest.Page, label string) string {
	t.Helper()
	found := regexp.MustCompile(`href="([^"]*)"[^>]*>` + regexp.QuoteMeta(label)).FindStringSubmatch(p.Text)
	if found == nil {
		t.Fatalf("%s has no link %q", p.URL, label)
	}
	return must(p.URL.Parse(html.UnescapeString(found[1]))).String()
}

// TestEndWhatThisFinds follows the page's own links: exactly the devices that
// were found end.
func TestEndWhatThisFinds(t *testing.T) {
	h, c, at := crawled(t)
	for _, find := range []struct {
		subject, state string
		ada, eve       int // live afterwards
	}{{"ada", "flagged", 60, 3}, {"eve & co=1", "flagged", 60, 2}, {"eve & co=1", "", 60, 0}, {"ada", "", 0, 0}} {
		query := url.Values{"subject": {find.subject}, "state": {find.state}}
		preview := c.Get(labelled(t, c.Get(at+"?"+query.Encode()), "Sign out all matching devices"))
		for _, f := range preview.Forms {
			if f.Action.Path == "/pages/revoke" {
				c.Submit(f)
			}
		}
		if ada, eve := h.live("ada"), h.live("eve & co=1"); ada != find.ada || eve != find.eve {
			t.Errorf("%v: %d and %d are left, want %d and %d", query, ada, eve, find.ada, find.eve)
		}
		if back := c.Get(labelled(t, preview, "Cancel")); back.URL.Query().Get("subject") != find.subject {
			t.Errorf("%v: back to %s", query, back.URL)
		}
	}
}

// TestTheNextPageKeepsTheSearch reads all pages of a search by their links.
func TestTheNextPageKeepsTheSearch(t *testing.T) {
	_, c, at := crawled(t)
	first := c.Get(at + "?subject=ada&os=Windows")
	second := c.Get(labelled(t, first, "Older"))
	rows := regexp.MustCompile(`<tr role="row"><th role="rowheader" scope="row"><a href="/pages/devices/`)
	if n := len(rows.FindAllString(first.Text+second.Text, -1)); n != 63 || strings.Contains(second.Text, "eve &amp; co") {
		t.Errorf("%d rows, from %s", n, second.URL)
	}
	if !strings.Contains(second.Text, `name="subject" type="text" value="ada"`) {
		t.Error("the second page has another search")
	}
}
