package ory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
)

// AppRegister registers the person as a native app does, with what it says of
// its device, and returns Kratos' answer.
func (p *Person) AppRegister(device map[string]any) (Answer, error) {
	f, err := p.flow("registration/api", "")
	if err != nil {
		return Answer{}, err
	}
	a, err := p.json(http.MethodPost, f.UI.Action, map[string]any{
		"method": "password", "password": Password, "traits": map[string]any{"email": p.Email},
		"transient_payload": map[string]any{"device": device},
	})
	var told struct{ Identity struct{ ID string } }
	if err == nil && json.Unmarshal(a.Body, &told) == nil {
		p.Subject = told.Identity.ID
	}
	return a, err
}

var (
	codeInMail = regexp.MustCompile(`\b\d{6}\b`)
	linkInMail = regexp.MustCompile(`http://\S+/self-service/\S+token=[\w-]+`)
)

// Recover recovers the person's account by the code that is mailed to them, in
// a browser ("browser") or an app ("api"), and returns Kratos' answer to the
// code.
func (p *Person) Recover(ctx context.Context, m *Mailbox, kind string, device map[string]any) (Answer, error) {
	return p.byMail(ctx, m, "recovery/"+kind, "recover", device)
}

// Verify verifies the person's address by a code. Registering sent one too.
func (p *Person) Verify(ctx context.Context, m *Mailbox) (Answer, error) {
	if _, err := m.Await(ctx, p.Email, "verif"); err != nil {
		return Answer{}, err
	}
	return p.byMail(ctx, m, "verification/browser", "verif", nil)
}

// SignInByCode signs in with a code instead of the password.
func (p *Person) SignInByCode(ctx context.Context, m *Mailbox) (Answer, error) {
	f, err := p.flow("login/browser", "")
	if err != nil {
		return Answer{}, err
	}
	form := map[string]any{"method": "code", "identifier": p.Email, "csrf_token": f.csrf()}
	if _, err = p.json(http.MethodPost, f.UI.Action, form); err != nil {
		return Answer{}, err
	}
	letter, err := m.Await(ctx, p.Email, "login")
	if err != nil {
		return Answer{}, err
	}
	form["code"] = codeInMail.FindString(letter.Text)
	return p.json(http.MethodPost, f.UI.Action, form)
}

func (p *Person) byMail(ctx context.Context, m *Mailbox, kind, word string, device map[string]any) (Answer, error) {
	f, a, err := p.askForMail(kind, "code", device)
	if err != nil {
		return a, err
	}
	letter, err := m.Await(ctx, p.Email, word)
	if err != nil {
		return a, err
	}
	code := codeInMail.FindString(letter.Text)
	return p.json(http.MethodPost, f.UI.Action, p.form(f, map[string]any{"method": "code", "code": code}, device))
}

// RecoverByLink recovers the person's account by the link that is mailed to
// them, and returns Kratos' answer to it.
func (p *Person) RecoverByLink(ctx context.Context, m *Mailbox) (Answer, error) {
	_, a, err := p.askForMail("recovery/browser", "link", nil)
	if err != nil {
		return a, err
	}
	letter, err := m.Await(ctx, p.Email, "recover")
	if err != nil {
		return a, err
	}
	link := linkInMail.FindString(letter.Text)
	if link == "" {
		return a, fmt.Errorf("no link in %s", letter.Text)
	}
	return p.Do(http.MethodGet, link, http.Header{"Accept": {"text/html"}}, nil)
}

func (p *Person) askForMail(kind, method string, device map[string]any) (flow, Answer, error) {
	f, err := p.flow(kind, "")
	if err != nil {
		return f, Answer{}, err
	}
	a, err := p.json(http.MethodPost, f.UI.Action, p.form(f, map[string]any{"method": method, "email": p.Email}, device))
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("ask for a mail: %d %s", a.Status, a.Body)
	}
	return f, a, err
}

func (p *Person) form(f flow, what map[string]any, device map[string]any) map[string]any {
	if csrf := f.csrf(); csrf != "" {
		what["csrf_token"] = csrf
	}
	if device != nil {
		what["transient_payload"] = map[string]any{"device": device}
	}
	return what
}

// Flow returns what Kratos says of a flow of the person's browser: what a page
// shows.
func (p *Person) Flow(kind, id string) (Answer, error) {
	return p.json(http.MethodGet, "http://"+p.Stack.KratosPublic+"/self-service/"+kind+"/flows?id="+id, nil)
}

// SignInByForm signs in as a page without scripts does: the answer leads back
// to a page, whose flow is the second answer.
func (p *Person) SignInByForm() (to string, shown Answer, err error) {
	f, err := p.flow("login/browser", "")
	if err != nil {
		return "", Answer{}, err
	}
	csrf, _ := f.csrf().(string)
	a, err := p.post(f.UI.Action, map[string]string{
		"method": "password", "password": Password, "identifier": p.Email, "csrf_token": csrf,
	})
	if to = a.Header.Get("Location"); err != nil || param(to, "flow") == "" {
		return to, a, err
	}
	shown, err = p.Flow("login", param(to, "flow"))
	return to, shown, err
}
