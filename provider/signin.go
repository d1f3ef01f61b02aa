package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// acrPassword is the authentication context of a password alone.
const acrPassword = "1"

// cookieName returns the name of the sign-in cookie. The prefix makes
// browsers keep it to this host over TLS; they do not take it over plain
// http, which is for loopback only.
func (p *Provider) cookieName() string {
	if p.secure {
		return "__Host-lanyard_session"
	}
	return "lanyard_session"
}

func (p *Provider) setSignInCookie(w http.ResponseWriter, id string, secret []byte) {
	value := id + "." + base64.RawURLEncoding.EncodeToString(secret)
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(), Value: value, Path: "/",
		HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (p *Provider) clearSignInCookie(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(), Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
}

// signIn returns who is signed in with this browser, or nil. A cookie that is
// malformed, doubled or wrong is no cookie. One that comes without its
// device's, or from another kind of device, was copied: it is not accepted,
// the owner is told, and the sign-in lives on where it belongs.
func (p *Provider) signIn(r *http.Request) (*oauth.SignIn, error) {
	cookies := r.CookiesNamed(p.cookieName())
	if len(cookies) != 1 {
		return nil, nil
	}
	id, encoded, _ := strings.Cut(cookies[0].Value, ".")
	secret, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(secret) != 32 {
		return nil, nil
	}
	found, err := p.Storage.SignIns.SignIn(r.Context(), id)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, trouble{err}
	}
	hash := sha256.Sum256(secret)
	if subtle.ConstantTimeCompare(hash[:], found.SecretHash) != 1 || !found.Live(p.Now()) {
		return nil, nil
	}
	seen := p.Observer.Observe(r, devices.EntranceProvider)
	verdict, err := p.registry.Revisit(r.Context(), found.Subject, found.DeviceID, seen)
	switch {
	case err != nil:
		return nil, trouble{err}
	case verdict.Err() != nil:
		return nil, nil
	}
	p.extend(r.Context(), &found)
	return &found, nil
}

// extend moves the idle end, at most once a minute. It may fail: the sign-in
// then ends a little earlier.
func (p *Provider) extend(ctx context.Context, s *oauth.SignIn) {
	next := p.Now().Add(p.Lifetimes.SignInIdle)
	if next.Sub(s.IdleUntil) < time.Minute {
		return
	}
	if err := p.Storage.SignIns.ExtendSignIn(ctx, s.ID, next); err != nil {
		p.Log.WarnContext(ctx, "sign-in not extended", "err", err)
	}
}

// openSignIn signs the subject in on a device. Proving oneself again in the
// same browser renews the sign-in that is there, with a new secret; anybody
// else's ends. It returns false, and nothing has changed, where the device or
// the subject is no longer good or the credential has changed since it was
// verified.
func (p *Provider) openSignIn(
	ctx context.Context, w http.ResponseWriter, before *oauth.SignIn, d devices.Device, by devices.Credential,
) (bool, error) {
	now := p.Now()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	hash := sha256.Sum256(secret)
	next := oauth.SignIn{
		ID: p.NewID(), SecretHash: hash[:], Subject: d.Subject, DeviceID: d.ID,
		AuthTime: now, ACR: acrPassword, AMR: []string{"pwd"}, CreatedAt: now,
		IdleUntil: now.Add(p.Lifetimes.SignInIdle), NotAfter: now.Add(p.Lifetimes.SignInAbsolute),
		By: by,
	}
	renews := before != nil && before.Subject == d.Subject && before.DeviceID == d.ID
	write := p.Storage.SignIns.OpenSignIn
	if renews {
		next.ID, next.CreatedAt = before.ID, before.CreatedAt
		write = p.Storage.SignIns.RenewSignIn
	}
	good, err := write(ctx, next)
	if err != nil {
		return false, trouble{err}
	}
	if good && before != nil && !renews {
		if err := p.Storage.SignIns.EndSignIn(ctx, before.ID, now); err != nil {
			return false, trouble{err}
		}
	}
	if good {
		p.setSignInCookie(w, next.ID, secret)
	}
	return good, nil
}
