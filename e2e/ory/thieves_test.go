//go:build ory

package ory_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// Thieves who write their requests as no client does. Hydra accepts each of
// them, or would.
func TestThievesWhoKnowHydra(t *testing.T) {
	s := open(t, change{})
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site)
	}{
		{"who hides from Hydra what the gateway sees is not let through", hidden},
		{"a spent token that is written otherwise is told", writtenOtherwise},
		{"half of a spent token is told", halfOfAToken},
		{"white space around a grant type hides nothing", roundTheGrantType},
		{"a spent token in a stranger's client ends nothing", strangersClient},
		{"a disabled subject's session at Kratos ends", disabled},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s) })
	}
}

// presents posts a refresh to the gateway, with those headers besides.
func presents(t *testing.T, p *ory.Person, client, token string, header http.Header) ory.Answer {
	t.Helper()
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token}}
	a, err := p.Do(http.MethodPost, p.Gateway+"/oauth2/token", h, []byte(form.Encode()))
	good(t, err)
	return a
}

// Another client's name goes no further than the gateway: a proxy drops what
// the Connection header names, and Hydra reads the form.
func hidden(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	header := http.Header{"Connection": {"authorization"}}
	r := http.Request{Header: header}
	r.SetBasicAuth("another", "x")
	thief := s.NewPerson(s.Gateway, house.Thief())
	wants(t, presents(t, thief, id, c.Held, header), http.StatusBadRequest, "invalid_request")
	refreshes(t, c)
}

// A line break in the first part of a token makes no difference to Hydra.
func writtenOtherwise(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	broken := func() string { return c.Held[:20] + "\n" + c.Held[20:] }
	thief := s.NewPerson(s.Gateway, house.Thief())
	alike := s.NewPerson(s.Gateway, house.Laptop())
	wants(t, presents(t, alike, id, broken(), nil), http.StatusOK, "")
	isRefused(t, c)
	eventually(t, "grant.reuse_detected is told", func() bool { return s.told(t, "grant.reuse_detected", ada.Subject) == 1 })
	c = s.chain(t, ada, id, "", "")
	wants(t, presents(t, thief, id, broken(), nil), http.StatusBadRequest, "invalid_grant")
	eventually(t, "session.hijack_suspected is told", func() bool { return s.told(t, "session.hijack_suspected", ada.Subject) == 1 })
}

// Hydra finds a token by what is behind the dot, whatever is before it, and ends
// the chain if that token is spent.
func halfOfAToken(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	thief := s.NewPerson(s.Gateway, house.Thief())
	half := func(token string) string { return "junk" + token[strings.LastIndex(token, "."):] }
	spent := c.Held
	wants(t, presents(t, thief, id, half(c.Held), nil), http.StatusBadRequest, "invalid_request") // as Hydra says
	refreshes(t, c)                                                                               // it was not spent: nothing has ended
	wants(t, presents(t, thief, id, half(spent), nil), http.StatusBadRequest, "invalid_grant")
	eventually(t, "grant.reuse_detected is told", func() bool { return s.told(t, "grant.reuse_detected", ada.Subject) == 1 })
	isRefused(t, c)
	said, err := s.Introspect(c.Access)
	if good(t, err); said["active"] != false {
		t.Errorf("Hydra has not ended the chain: %v", said)
	}
}

// Hydra reads a grant type without the white space around it.
func roundTheGrantType(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	alike := s.NewPerson(s.Gateway, house.Laptop())
	for n, space := range []string{"\t", "\u00a0", " \r\n"} {
		c := s.chain(t, ada, id, "", "")
		spent := c.Held
		refreshes(t, c)
		form := url.Values{"grant_type": {"refresh_token" + space}, "client_id": {id}, "refresh_token": {spent}}
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		a, err := alike.Do(http.MethodPost, s.Gateway+"/oauth2/token", header, []byte(form.Encode()))
		good(t, err)
		wants(t, a, http.StatusBadRequest, "invalid_grant")
		eventually(t, "grant.reuse_detected is told", func() bool { return s.told(t, "grant.reuse_detected", ada.Subject) == n+1 })
	}
}

// Hydra ends a chain whose spent token comes back, whoever presents it.
func strangersClient(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	other, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	spent := c.Held
	refreshes(t, c)
	thief := s.NewPerson(s.Gateway, house.Thief())
	for _, token := range []string{spent, c.Held} {
		wants(t, presents(t, thief, other, token, nil), http.StatusBadRequest, "invalid_grant")
	}
	refreshes(t, c)
}
