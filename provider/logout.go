package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// hintClaims is what a logout or an authorization request wants of an ID
// token that was issued earlier.
type hintClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	SID      string   `json:"sid"`
}

// audience is one string or several (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON reads either form.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

var errHint = errors.New("the ID token was not issued here")

// hinted verifies an ID token that comes back as a hint. Expired ones are as
// good as any (RP-Initiated Logout §2).
func (p *Provider) hinted(ctx context.Context, token string) (hintClaims, error) {
	var claims hintClaims
	err := p.Keys.VerifyJWT(ctx, token, "JWT", signingAlgs(), &claims)
	switch {
	case errors.Is(err, keyring.ErrBadJWT):
		return hintClaims{}, errHint
	case err != nil:
		return hintClaims{}, trouble{err}
	}
	if claims.Issuer != p.Issuer || claims.Subject == "" || len(claims.Audience) == 0 {
		return hintClaims{}, errHint
	}
	return claims, nil
}

// LogoutPage is the data of the page "logout".
type LogoutPage struct {
	Action, ClientName, Subject string
	// Shown seals the request, for the sign-in that the page asks.
	Shown     string
	LeadsAway bool // as in [LoginPage]
}

// leave is a request to sign out.
type leave struct {
	hint     hintClaims
	isHinted bool
	client   *client
	to       *url.URL // where to go afterwards; nil is nowhere
	form     url.Values
	shownTo  string // the sign-in that the page was shown to; empty: none was
}

// sure reports whether the request hints at the sign-in at hand. One that
// would return to an address that is not registered is wrong in some way, and
// sure of nothing.
func (l leave) sure(in *oauth.SignIn) bool {
	return l.isHinted && l.hint.Subject == in.Subject && l.hint.SID == in.ID &&
		(l.to != nil || l.form.Get("post_logout_redirect_uri") == "")
}

// logoutEndpoint is where clients send the browser to sign out.
const logoutEndpoint = "/oauth2/sessions/logout"

// logout is GET and POST /oauth2/sessions/logout (RP-Initiated Logout 1.0).
// Unless the request is sure the subject is asked, so that no other site can
// sign anybody out.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		p.logoutPosted(w, r)
		return
	}
	l, in, err := p.readLeave(w, r, "flow", logoutPurpose)
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	if in != nil && !l.sure(in) {
		p.askLeave(w, r, l, in)
		return
	}
	p.leave(w, r, l, in)
}

// logoutPosted goes on by GET: browsers keep the cookies back where another
// site posts, and send them where that leads.
func (p *Provider) logoutPosted(w http.ResponseWriter, r *http.Request) {
	if err := strictForm(w, r); err != nil {
		p.failPage(w, r, err)
		return
	}
	p.carry(w, r, logoutEndpoint, logoutPurpose, flow{Query: r.Form.Encode(), At: p.Now()})
}

// confirmLogout is POST /oauth2/sessions/logout/confirm: the answer of the
// page.
func (p *Provider) confirmLogout(w http.ResponseWriter, r *http.Request) {
	l, in, err := p.readLeave(w, r, "shown", leavePurpose)
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	if in != nil && l.shownTo != in.ID {
		p.askLeave(w, r, l, in) // somebody else has signed in since
		return
	}
	if r.PostForm.Get("decision") != "allow" {
		p.Pages.Render(w, r, http.StatusOK, "notice", NoticePage{
			Title: "You are still signed in", Text: "Nothing was changed. You can close this page.",
		})
		return
	}
	p.leave(w, r, l, in)
}

// readLeave reads a request to sign out: plain, or sealed in a field.
func (p *Provider) readLeave(
	w http.ResponseWriter, r *http.Request, field, purpose string,
) (leave, *oauth.SignIn, error) {
	if err := strictForm(w, r); err != nil {
		return leave{}, nil, err
	}
	var f flow
	if sealed := r.Form.Get(field); sealed != "" {
		var err error
		f, err = p.openFlow(purpose, sealed)
		if err != nil {
			return leave{}, nil, errFlow // made anew it would be another request than this
		}
		if r.Form, err = url.ParseQuery(f.Query); err != nil {
			return leave{}, nil, errFlow.WithWrap(err)
		}
	}
	l := leave{form: r.Form, shownTo: f.SignIn}
	if hint := r.Form.Get("id_token_hint"); hint != "" {
		claims, err := p.hinted(r.Context(), hint)
		if err != nil && !errors.Is(err, errHint) {
			return leave{}, nil, err
		}
		l.hint, l.isHinted = claims, err == nil
	}
	if err := p.readLeaveClient(r, &l); err != nil {
		return leave{}, nil, err
	}
	in, err := p.signIn(r)
	return l, in, err
}

// readLeaveClient finds the client that the hint names, and where it may send
// the browser. A client_id that is not the hint's spoils the hint.
func (p *Provider) readLeaveClient(r *http.Request, l *leave) error {
	id := r.Form.Get("client_id")
	if l.isHinted && id == "" {
		id = l.hint.Audience[0]
	}
	if l.isHinted && !slices.Contains(l.hint.Audience, id) {
		l.isHinted = false
	}
	if id == "" {
		return nil
	}
	found, err := p.clients.get(r.Context(), id)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		l.isHinted = false
		return nil
	case err != nil:
		return trouble{err}
	}
	l.client = found
	to := r.Form.Get("post_logout_redirect_uri")
	if l.isHinted && to != "" && slices.Contains(found.PostLogout, to) {
		l.to, _ = url.Parse(to) // it parsed at registration
	}
	return nil
}

// askLeave asks the subject whether to sign out.
func (p *Provider) askLeave(w http.ResponseWriter, r *http.Request, l leave, in *oauth.SignIn) {
	shown, err := p.sealFlow(leavePurpose, flow{Query: l.form.Encode(), At: p.Now(), SignIn: in.ID})
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	page := LogoutPage{
		Action: p.URL(logoutEndpoint + "/confirm"), Subject: p.called(r.Context(), in.Subject), Shown: shown,
		LeadsAway: l.to != nil,
	}
	if l.client != nil {
		page.ClientName = l.client.label()
	}
	p.Pages.Render(w, r, http.StatusOK, "logout", page)
}

func (p *Provider) leave(w http.ResponseWriter, r *http.Request, l leave, in *oauth.SignIn) {
	if in != nil {
		if err := p.Storage.SignIns.EndSignIn(r.Context(), in.ID, p.Now()); err != nil {
			p.failPage(w, r, trouble{err})
			return
		}
		p.clearSignInCookie(w)
	}
	if l.to == nil {
		p.Pages.Render(w, r, http.StatusOK, "notice", NoticePage{
			Title: "You are signed out", Text: "You can close this page.",
		})
		return
	}
	answer := url.Values{}
	if state := l.form.Get("state"); state != "" {
		answer.Set("state", state)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", extended(l.to, answer))
	w.WriteHeader(http.StatusSeeOther)
}
