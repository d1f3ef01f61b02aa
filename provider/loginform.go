package provider

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"

	"github.com/lanyard-id/lanyard/devices"
)

// A browser gets a seed, in a sealed cookie, with the sign-in form, and another one
// with the answer to a sign-in. The form is bound to the seed, and a new device's
// secret is derived from it. If the answer is lost, the browser still has the seed:
// the form, or one that is rendered anew, then leads to the same device.

// seedSize is how long a seed is, in bytes.
const seedSize = 32

func (p *Provider) seedCookie() string {
	if p.secure {
		return "__Host-lanyard_signin"
	}
	return "lanyard_signin"
}

// seed returns the browser's seed, or nil. A cookie that came twice was planted.
func (p *Provider) seed(r *http.Request) []byte {
	cookies := r.CookiesNamed(p.seedCookie())
	if len(cookies) != 1 {
		return nil
	}
	seed, err := p.Sealer.Open(seedPurpose, cookies[0].Value, nil)
	if err != nil || len(seed) != seedSize {
		return nil
	}
	return seed
}

// giveSeed gives the browser a new seed and returns it.
func (p *Provider) giveSeed(w http.ResponseWriter) ([]byte, error) {
	seed := make([]byte, seedSize)
	_, _ = rand.Read(seed) // never fails (crypto/rand)
	sealed, err := p.Sealer.Seal(seedPurpose, seed, nil)
	if err != nil {
		return nil, err
	}
	http.SetCookie(w, &http.Cookie{
		Name: p.seedCookie(), Value: sealed, Path: "/",
		HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
	return seed, nil
}

// renderLogin shows the sign-in form, bound to the browser's seed, or to a new one
// if it has none or fresh is set.
func (p *Provider) renderLogin(w http.ResponseWriter, r *http.Request, status int, page LoginPage, fresh bool) {
	seed, err := p.seed(r), error(nil)
	if seed == nil || fresh {
		seed, err = p.giveSeed(w)
	}
	if err == nil {
		page.Form, err = p.Sealer.Seal(loginPurpose, nil, seed)
	}
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	p.Pages.Render(w, r, status, "login", page)
}

// checkForm returns devices.ErrSpent unless the form is one that was rendered for
// the browser's seed. A request without the field comes from no form of ours that
// could be sent twice: a program's, or a page of an earlier release.
func (p *Provider) checkForm(r *http.Request) error {
	form := r.PostForm.Get("form")
	if form == "" {
		return nil
	}
	if _, err := p.Sealer.Open(loginPurpose, form, p.seed(r)); err != nil {
		return devices.ErrSpent
	}
	return nil
}

// secretOf returns the secret for a subject's new device in the browser with a
// seed, or nil without one.
func secretOf(seed []byte, subject string) []byte {
	if seed == nil {
		return nil
	}
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(subject))
	return mac.Sum(nil)
}
