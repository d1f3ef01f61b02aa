package webui

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// way is how owners prove who they are.
type way interface {
	// issuer is that of the sessions it opens; empty for this server.
	issuer() string
	// begin returns where the browser goes to sign in. It may set when the
	// attempt begins a little later, and returns no earlier than that.
	begin(ctx context.Context, a *attempt, language string) (string, error)
	// finish reads the answer that a browser came back with.
	finish(r *http.Request, a attempt) (proof, error)
	// still returns the session as its issuer sees it now, or ErrNoSession
	// where that has ended it.
	still(r *http.Request, s records.Session) (records.Session, error)
	// leave ends the sign-in behind a session, and returns where the browser
	// has to go for that; empty for nowhere.
	leave(r *http.Request, s records.Session, hint string) (string, error)
}

// proof is a sign-in: a session that is not opened yet.
type proof struct {
	session records.Session // DeviceID as its issuer says; may be empty elsewhere
	hint    string          // what the issuer wants to see again at the end
	// undated: the issuer does not say when the owner proved who they are.
	undated bool
	exact   time.Duration // to what the AuthTime is rounded down
	// ties are the names that the sign-in has elsewhere, the lasting one first.
	ties []devices.Tie
}

// attempt is a sign-in on its way. The browser that began it keeps it, sealed:
// nobody can write one, or make one older than it is. It can be completed once.
type attempt struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // RFC 7636
	Back     string    `json:"b"` // the page to return to
	Fresh    bool      `json:"f,omitempty"`
	Factor   bool      `json:"2,omitempty"` // a second factor is asked for
	At       time.Time `json:"t"`
	// Action is carried out after the sign-in; nil for none.
	Action *pendingAction `json:"a,omitempty"`
}

// proven reports whether the owner proved who they are within the attempt. The
// issuer's word decides, as the AuthTime of its session: no later than the
// attempt began, it is a session from before, perhaps a copied one.
func (a attempt) proven(p proof) bool {
	return !p.undated && !p.session.AuthTime.Before(a.At.Truncate(p.exact))
}

// stale reports whether a fresh sign-in was asked for and this is none.
func (a attempt) stale(p proof) bool { return a.Fresh && !a.proven(p) }

// attemptFor is how long a sign-in may take.
const attemptFor = 10 * time.Minute

// signIn sends the browser to sign in and then back to a page. A fresh sign-in
// asks for the password in any case.
func (u *UI) signIn(w http.ResponseWriter, r *http.Request, back string, fresh bool) {
	u.begin(w, r, attempt{Back: local(back), Fresh: fresh})
}

func (u *UI) begin(w http.ResponseWriter, r *http.Request, a attempt) {
	a.State, a.Nonce, a.Verifier, a.At = rand.Text(), rand.Text(), rand.Text()+rand.Text(), u.Now()
	to, err := u.way.begin(r.Context(), &a, u.Pages.locales.choose(r, "").Code)
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	value, err := json.Marshal(a)
	if err == nil {
		// Not strict: the answer comes from the issuer, which may be another site.
		err = u.sealCookie(w, "pages_attempt", attemptPurpose, u.way.issuer(), value, attemptFor, http.SameSiteLaxMode)
	}
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	u.depart(w, r, to)
}

// local returns a path of these pages, whatever was asked for: nothing leads
// anywhere else from here.
func local(back string) string {
	to, err := url.Parse(back)
	if err != nil || to.Scheme != "" || to.Host != "" || to.User != nil || to.Opaque != "" ||
		(to.Path != "/devices" && !strings.HasPrefix(to.Path, "/devices/")) ||
		strings.Contains(to.Path, "..") || strings.ContainsAny(back, "\\\r\n\t") {
		return "/devices"
	}
	return to.EscapedPath()
}

// Why a sign-in comes to nothing.
var (
	errAttempt     = errors.New("no such sign-in on its way")
	errDenied      = errors.New("the sign-in was turned down")
	errNoClaim     = errors.New("the ID token names no device or no sign-in")
	errStale       = errors.New("the sign-in is not fresh")
	errFactor      = errors.New("a second factor is asked for")
	errUnreachable = errors.New("who signs owners in cannot be reached")
)

// callback is GET /devices/callback: the answer of the issuer.
func (u *UI) callback(w http.ResponseWriter, r *http.Request) {
	a, err := u.attempted(r)
	if !errors.Is(err, errAttempt) { // any site can lead here, also in the middle of a sign-in
		u.setCookie(w, "pages_attempt", "", -time.Second, http.SameSiteLaxMode)
	}
	var p proof
	if err == nil {
		p, err = u.way.finish(r, a)
	}
	if err == nil && a.stale(p) {
		err = errStale
	}
	if err == nil {
		err = u.Sessions.UseAttempt(r.Context(), a.State, a.At.Add(attemptFor+time.Minute))
	}
	if errors.Is(err, devices.ErrExists) {
		err = errAttempt
	}
	if err == nil && p.session.Issuer != "" {
		p.session.DeviceID, err = u.seat(w, r, p, a)
	}
	due, good := false, false
	if err == nil {
		due, err = u.due(r.Context(), a.Action, p.session)
	}
	if err == nil {
		good, err = u.open(w, r, &p.session)
	}
	switch {
	case errors.Is(err, errFactor) && !a.Factor:
		u.begin(w, r, attempt{Back: a.Back, Fresh: a.Fresh, Action: a.Action, Factor: true})
	case errors.Is(err, errMoved):
		u.begin(w, r, attempt{Back: a.Back, Fresh: true, Action: a.Action})
	case err != nil:
		u.fail(w, r, nil, err)
	case !good:
		u.fail(w, r, nil, errDenied) // ended while signing in
	default:
		u.keepHint(w, p.session, p.hint)
		u.arrive(w, r, p.session, a, due)
	}
}

// arrive goes on after a sign-in: with the action that needed it, if it is due,
// else to the page where the owner was.
func (u *UI) arrive(w http.ResponseWriter, r *http.Request, s records.Session, a attempt, due bool) {
	switch {
	case a.Action == nil:
		u.onward(w, r, a.Back)
	case !due:
		u.fail(w, r, nil, errNotResumed)
	default:
		u.resume(w, r, s, *a.Action)
	}
}

// errorCode is what an error of OAuth looks like (RFC 6749 §4.1.2.1).
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// turnedDown is errDenied with the code of the issuer.
type turnedDown struct{ code string }

func (t turnedDown) Error() string { return fmt.Sprintf("%v: %s", errDenied, t.code) }
func (turnedDown) Unwrap() error   { return errDenied }

// attempted returns the sign-in that the answer belongs to. One that this
// browser did not begin is somebody else's.
func (u *UI) attempted(r *http.Request) (attempt, error) {
	var a attempt
	value, err := u.openCookie(r, "pages_attempt", attemptPurpose, u.way.issuer())
	if err == nil {
		err = json.Unmarshal(value, &a)
	}
	query, age := r.URL.Query(), u.Now().Sub(a.At)
	switch code := query.Get("error"); {
	case err != nil, a.State == "", age > attemptFor, age < -time.Minute,
		subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1:
		return attempt{}, errAttempt
	case errorCode.MatchString(code):
		return attempt{}, turnedDown{code}
	case code != "":
		return attempt{}, errDenied
	}
	return a, nil
}
