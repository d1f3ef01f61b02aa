package house

import (
	"fmt"
	"net/url"
)

// SignIn goes to an authorization request, signs in where that is asked for,
// allows what is asked for, and returns where the browser is sent at the end:
// the client's address with the code, or with an error.
func (b *Browser) SignIn(authorize string, u User) (*url.URL, error) {
	p, err := b.Visit(authorize)
	for range 5 {
		if err != nil {
			return nil, err
		}
		if p.Away != nil {
			return p.Away, nil
		}
		if p.Status >= 400 {
			return nil, fmt.Errorf("%s answered %d: %s", p.URL.Path, p.Status, p.Text)
		}
		if f, is := p.Form("/login"); is {
			p, err = b.Submit(p, f, map[string]string{"identifier": u.Identifier, "password": u.Password}, "")
		} else if f, is := p.Form("/consent"); is {
			p, err = b.Submit(p, f, nil, "allow")
		} else {
			return nil, fmt.Errorf("%s shows %q, which has nothing to sign in with", p.URL.Path, p.Title)
		}
	}
	return nil, fmt.Errorf("the sign-in goes in circles")
}
