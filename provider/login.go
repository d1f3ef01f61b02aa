package provider

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// LoginPage is the data of the page "login".
type LoginPage struct {
	Action, Flow, Form, Identifier, ClientName, Error string
	Count                                             int // what the error counts; 0: nothing
	// LeadsAway: the answer to the form redirects to a client, and the client may
	// redirect on, to any origin or app. The page's Content-Security-Policy lets
	// it.
	LeadsAway bool
	UILocales string // as the client asks for them (OIDC Core §3.1.2.1)
}

// ErrWrongPassword is what an [Identity] answers where the identifier or the
// password is wrong, or the subject is disabled.
var ErrWrongPassword = errors.New("wrong identifier or password")

// SlowDown is what an [Identity] answers after too many attempts.
type SlowDown struct{ Wait time.Duration }

// Error says that there were too many attempts.
func (s SlowDown) Error() string { return "too many attempts, wait " + s.Wait.String() }

// showLogin is GET /login.
func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request) {
	observe.AskForHints(w.Header())
	page, err := p.loginPage(w, r)
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	p.renderLogin(w, r, http.StatusOK, page, false)
}

func (p *Provider) loginPage(w http.ResponseWriter, r *http.Request) (LoginPage, error) {
	if err := strictForm(w, r); err != nil {
		return LoginPage{}, err
	}
	page := LoginPage{Action: p.URL("/login"), Flow: r.Form.Get("flow"), Identifier: r.PostForm.Get("identifier")}
	if page.Flow == "" {
		return page, nil
	}
	a, err := p.flowAsk(r, page.Flow)
	if err != nil {
		return LoginPage{}, err
	}
	page.ClientName, page.LeadsAway = a.client.label(), true
	page.UILocales = a.GetRequestForm().Get("ui_locales")
	if page.Identifier == "" {
		page.Identifier = a.GetRequestForm().Get("login_hint")
	}
	return page, nil
}

// flowAsk returns the authorization request that a page is about.
func (p *Provider) flowAsk(r *http.Request, sealed string) (*ask, error) {
	f, err := p.openFlow(authorizePurpose, sealed)
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(f.Query)
	if err != nil {
		return nil, errFlow.WithWrap(err)
	}
	again := &http.Request{Method: http.MethodGet, URL: r.URL, Form: query, PostForm: url.Values{}, Header: http.Header{}}
	return p.parseAsk(again.WithContext(r.Context()), f)
}

// label returns what people call the client, without characters that mislead.
func (c *client) label() string { return cmp.Or(devices.Plain(c.Name), c.ID) }

// login is POST /login: it proves the subject, meets their device, and goes
// back to the authorization request.
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	// 1. Which request is this for?
	page, err := p.loginPage(w, r)
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	if len(r.Cookies()) == 0 && r.PostForm.Get("form") != "" {
		p.failCookies(w, r) // every browser that keeps cookies has one from the form
		return
	}
	if err := p.checkForm(r); err != nil {
		p.refuseLogin(w, r, page, err)
		return
	}
	// 2. Who is it?
	user, err := p.Identity.Authenticate(
		r.Context(), r.PostForm.Get("identifier"), r.PostForm.Get("password"), p.source(r), p.Observer.CookieHashes(r)...)
	if err != nil {
		p.refuseLogin(w, r, page, err)
		return
	}
	// 3. On which device, and is there room for it?
	signedIn, err := p.enter(r.Context(), w, r, user, p.Observer.Observe(r, devices.EntranceProvider))
	if err != nil {
		p.refuseLogin(w, r, page, err)
		return
	}
	if !signedIn {
		p.refuseLogin(w, r, page, ErrWrongPassword) // disabled, or another password, while signing in
		return
	}
	// 4. On with what was asked.
	if page.Flow == "" {
		p.Pages.Render(w, r, http.StatusOK, "notice", NoticePage{
			Title: "You are signed in", Text: "You can close this page.",
		})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", p.URL(resumeEndpoint)+"?"+url.Values{"flow": {page.Flow}, justSignedIn: {"1"}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// tooManyNew is what somebody reads who meets devices.ErrNewDeviceLimit.
const tooManyNew = "Too many sign-ins on new devices. Try again in %d minutes, " +
	"or sign in on a device that you have used before."

// NoticePage is the data of the page "notice".
type NoticePage struct {
	Title, Text, Link, LinkText string
}

// enter enrolls or recognises the device and opens the sign-in on it. Both
// compare again what was verified: it may have changed meanwhile.
func (p *Provider) enter(
	ctx context.Context, w http.ResponseWriter, r *http.Request, user oauth.User, s devices.Sighting,
) (bool, error) {
	before, err := p.signIn(r)
	if err != nil {
		return false, err
	}
	met, err := p.registry.EnrollOnce(ctx, user.Subject, user.Credential(), s, secretOf(p.seed(r), user.Subject))
	if err != nil {
		return false, err
	}
	signedIn, err := p.openSignIn(ctx, w, before, met.Device, user.Credential())
	if signedIn && err == nil {
		_, err = p.giveSeed(w) // the browser holds the device's own cookie from here on
	}
	switch {
	case signedIn || err != nil: // if the store failed, the next try is on this device
		p.Observer.SetDeviceCookie(w, r, met.Secret) // without a secret, it lives longer
	case met.New:
		err = p.registry.Withdraw(ctx, met.Device, user.Credential())
	}
	return signedIn, err
}

// refuseLogin shows the form again with what is wrong, in the same words for
// a wrong name, a wrong password and a disabled subject.
func (p *Provider) refuseLogin(w http.ResponseWriter, r *http.Request, page LoginPage, err error) {
	status := http.StatusUnauthorized
	var slow SlowDown
	switch {
	case errors.Is(err, devices.ErrSpent):
		status = http.StatusConflict
		page.Error = "This page was out of date. Sign in again."
	case errors.Is(err, ErrWrongPassword), errors.Is(err, devices.ErrDisabled), errors.Is(err, devices.ErrOutdated):
		page.Error = "Wrong username or password. Check both and try again."
	case errors.As(err, &slow):
		status = http.StatusTooManyRequests
		seconds := int(slow.Wait.Seconds()) + 1
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		page.Error, page.Count = "Too many attempts. Wait %d seconds and try again.", seconds
	case errors.Is(err, devices.ErrNewDeviceLimit):
		status = http.StatusTooManyRequests
		wait := max(time.Second, devices.RetryAt(err).Sub(p.Now()))
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		page.Error, page.Count = tooManyNew, int(wait.Minutes())+1
	case errors.Is(err, devices.ErrDeviceLimit):
		status = http.StatusForbidden
		page.Error = "You are signed in on the maximum number of devices. Sign out on one of them first."
	default:
		p.failPage(w, r, err)
		return
	}
	p.renderLogin(w, r, status, page, errors.Is(err, devices.ErrSpent))
}
