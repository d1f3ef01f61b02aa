package ory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// End ends a leg and returns it settled: done, or held where the server cannot
// do it. An error means to try again; ending twice is ending once.
func (c *Client) End(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	switch l.Kind {
	case devices.LegHydraChain:
		return c.endChain(ctx, l)
	case devices.LegHydraConsent:
		return c.endConsent(ctx, l)
	case devices.LegHydraLogin:
		return c.endLogin(ctx, l)
	case devices.LegKratosSession:
		return c.endSession(ctx, l)
	case devices.LegKratosNew:
		return c.endNewSession(ctx, l)
	default:
		return c.held(l, "unknown_kind", time.Time{}), nil
	}
}

func (c *Client) done(l devices.Leg) devices.Leg {
	l.State, l.Trouble, l.DoneAt = devices.LegDone, "", c.Now()
	return l
}

func (c *Client) held(l devices.Leg, why string, until time.Time) devices.Leg {
	l.State, l.Trouble, l.DoneAt, l.Until = devices.LegHeld, why, c.Now(), until
	return l
}

// endChain ends all tokens of one authorization. From v25.4.0 on Hydra can do
// exactly that. Older ones end only what a subject has with a client: that is
// done where it is this chain alone, and otherwise the chain is refused at the
// token hook from now on, and its access tokens run out.
//
// Hydra also answers 204 when it finds no row of the consent, for example
// because feature_flags.discard_skipped_consents left it out, and then its
// tokens live on. So a chain is ended for certain only if Hydra listed it
// before.
func (c *Client) endChain(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	if c.HydraAdmin == "" {
		return c.held(l, "hydra_admin_url_missing", c.Now().Add(c.AccessTTL)), nil
	}
	listed, err := c.lists(ctx, l)
	if err != nil {
		return l, err
	}
	r, err := c.hydra.RevokeOAuth2ConsentSessions(ctx).ConsentRequestId(l.Ref).Execute()
	switch status := answered(r); {
	case err == nil:
		return c.confirmed(l, listed), nil
	case status != http.StatusBadRequest:
		return l, fmt.Errorf("end a chain at Hydra (status %d): %w", status, err)
	}
	alone, err := c.alone(ctx, l)
	switch {
	case err != nil:
		return l, err
	case !alone:
		return c.held(l, "hydra_cannot_end_one_chain", c.Now().Add(c.AccessTTL)), nil
	}
	r, err = c.hydra.RevokeOAuth2ConsentSessions(ctx).Subject(l.Subject).Client(l.ClientID).Execute()
	if status := answered(r); err != nil {
		return l, fmt.Errorf("end a client's chains at Hydra (status %d): %w", status, err)
	}
	return c.confirmed(l, listed), nil
}

// alone reports whether the chain is the only live one that its subject has
// with its client, as far as Hydra and we know.
func (c *Client) alone(ctx context.Context, l devices.Leg) (bool, error) {
	if l.Subject == "" || l.ClientID == "" {
		return false, nil
	}
	grants, err := c.Grants.FindGrants(ctx, devices.GrantQuery{
		Subject: l.Subject, ClientID: l.ClientID, Page: devices.Page{Limit: 500},
	})
	if err != nil {
		return false, err
	}
	ended := map[string]bool{l.Ref: true}
	for _, g := range grants {
		if g.Issuer == devices.IssuerHydra && g.Live(c.Now()) && g.ExternalRef != l.Ref {
			return false, nil
		}
		ended[g.ExternalRef] = true
	}
	sessions, r, err := c.hydra.ListOAuth2ConsentSessions(ctx).Subject(l.Subject).PageSize(500).Execute()
	if status := answered(r); err != nil {
		return false, fmt.Errorf("list consents at Hydra (status %d): %w", status, err)
	}
	for _, s := range sessions {
		asked := s.GetConsentRequest()
		of := asked.GetClient()
		if of.GetClientId() == l.ClientID && !ended[asked.GetChallenge()] {
			return false, nil
		}
	}
	return len(sessions) < 500 && len(grants) < 500, nil
}

// confirmed settles a chain whose end Hydra answered with 204.
func (c *Client) confirmed(l devices.Leg, listed bool) devices.Leg {
	if listed {
		return c.done(l)
	}
	return c.held(l, devices.TroubleUnconfirmed, c.Now().Add(c.AccessTTL))
}

// maxPages is how many pages of 500 consents are looked through for one.
const maxPages = 20

// lists reports whether Hydra lists the consent of a chain. It leaves out those
// that were skipped.
func (c *Client) lists(ctx context.Context, l devices.Leg) (bool, error) {
	if l.Subject == "" {
		return false, nil
	}
	token := ""
	for range maxPages {
		q := c.hydra.ListOAuth2ConsentSessions(ctx).Subject(l.Subject).PageSize(500)
		if token != "" {
			q = q.PageToken(token)
		}
		sessions, r, err := q.Execute()
		if status := answered(r); err != nil {
			return false, fmt.Errorf("list consents at Hydra (status %d): %w", status, err)
		}
		for _, s := range sessions {
			if asked := s.GetConsentRequest(); asked.GetConsentRequestId() == l.Ref || asked.GetChallenge() == l.Ref {
				return true, nil
			}
		}
		if token = nextPage(r.Header); token == "" {
			break
		}
	}
	return false, nil
}

var nextLink = regexp.MustCompile(`<([^>]*)>; *rel="next"`)

// nextPage returns the token of the next page (RFC 8288), "" after the last.
func nextPage(h http.Header) string {
	link := nextLink.FindStringSubmatch(strings.Join(h.Values("Link"), ","))
	if link == nil {
		return ""
	}
	u, err := url.Parse(link[1])
	if err != nil {
		return ""
	}
	return u.Query().Get("page_token")
}

// endConsent makes Hydra forget what a subject let a client have, so that the
// next authorization asks again, and ends all chains of the client. Hydra
// answers 204 if it knows of none.
func (c *Client) endConsent(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	if c.HydraAdmin == "" {
		return c.held(l, "hydra_admin_url_missing", time.Time{}), nil
	}
	r, err := c.hydra.RevokeOAuth2ConsentSessions(ctx).Subject(l.Subject).Client(l.ClientID).Execute()
	if status := answered(r); err != nil && status != http.StatusNotFound {
		return l, fmt.Errorf("end a consent at Hydra (status %d): %w", status, err)
	}
	return c.done(l), nil
}

// endLogin ends a login session: Hydra then asks for a new sign-in, tells
// back-channel logout, and has Kratos end the session it was made with. Hydra
// says 204 of what it does not know.
func (c *Client) endLogin(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	if c.HydraAdmin == "" {
		return c.held(l, "hydra_admin_url_missing", time.Time{}), nil
	}
	r, err := c.hydra.RevokeOAuth2LoginSessions(ctx).Sid(l.Ref).Execute()
	if status := answered(r); err != nil && status != http.StatusNotFound {
		return l, fmt.Errorf("end a login session at Hydra (status %d): %w", status, err)
	}
	return c.done(l), nil
}

func (c *Client) endSession(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	if c.KratosAdmin == "" {
		return c.held(l, "kratos_admin_url_missing", time.Time{}), nil
	}
	if err := c.disable(ctx, l.Ref); err != nil {
		return l, err
	}
	return c.done(l), nil
}

func (c *Client) disable(ctx context.Context, id string) error {
	r, err := c.kratos.DisableSession(ctx, id).Execute()
	if status := answered(r); err != nil && status != http.StatusNotFound {
		return fmt.Errorf("end a session at Kratos (status %d): %w", status, err)
	}
	return nil
}

// endNewSession ends a session that had no ID when it was seen, by who it is
// of and when it was issued.
func (c *Client) endNewSession(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	if c.KratosAdmin == "" {
		return c.held(l, "kratos_admin_url_missing", time.Time{}), nil
	}
	found, err := c.SessionsIssued(ctx, l.Ref)
	if err != nil {
		return l, err
	}
	for _, id := range found {
		if err := c.disable(ctx, id); err != nil {
			return l, err
		}
	}
	if wanted, err := devices.ReadKratosRef(l.Ref); len(found) == 0 && err == nil && c.Now().Sub(wanted.Latest()) < settling {
		return l, errUnsaved
	}
	return c.done(l), nil
}

// errUnsaved: Kratos saves a session after its hooks have run. One that is
// ended before would live on.
var errUnsaved = errors.New("the session is not saved yet")

// SessionsIssued returns the live sessions at Kratos that a reference of
// devices.KratosNew is about: one, or none where it has ended. Those of
// devices.KratosAbout may be several of the same browser.
func (c *Client) SessionsIssued(ctx context.Context, ref string) ([]string, error) {
	wanted, err := devices.ReadKratosRef(ref)
	if err != nil {
		return nil, nil // no such reference
	}
	sessions, r, err := c.kratos.ListIdentitySessions(ctx, wanted.Identity).Active(true).PageSize(500).Execute()
	switch status := answered(r); {
	case status == http.StatusNotFound:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list sessions at Kratos (status %d): %w", status, err)
	}
	var found []string
	for _, s := range sessions {
		var agents []string
		for _, d := range s.GetDevices() {
			agents = append(agents, d.GetUserAgent())
		}
		if wanted.Fits(s.GetIssuedAt(), agents...) {
			found = append(found, s.GetId())
		}
	}
	return found, nil
}
