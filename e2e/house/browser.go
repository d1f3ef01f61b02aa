package house

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Browser stands in for a real one, without JavaScript: it keeps cookies,
// follows redirects, fills in the forms that pages really have, and minds
// form-action in their Content-Security-Policy.
type Browser struct {
	// Looks are headers that it sends with every request.
	Looks http.Header
	// Seen are the answers since the last Visit or Submit, oldest first.
	Seen []*http.Response

	client *http.Client
}

// NewBrowser returns a browser that nobody has used.
func NewBrowser(looks http.Header) *Browser {
	jar, _ := cookiejar.New(nil) // fails only with options
	return &Browser{Looks: looks, client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Cookies returns the cookies that it would send there.
func (b *Browser) Cookies(address string) []*http.Cookie {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return b.client.Jar.Cookies(u)
}

// SetCookies puts cookies into the jar, as a thief does who copied them.
func (b *Browser) SetCookies(address string, cookies []*http.Cookie) {
	if u, err := url.Parse(address); err == nil {
		b.client.Jar.SetCookies(u, cookies)
	}
}

// Visit goes to an address as if it was typed, and on to where that leads.
func (b *Browser) Visit(address string) (*Page, error) {
	b.Seen = nil
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return b.follow(r, nil, "none")
}

// Submit sends a page's form with these values over those it has, pressing the
// button of that value where the form has several.
func (b *Browser) Submit(p *Page, f Form, values map[string]string, button string) (*Page, error) {
	b.Seen = nil
	sent := url.Values{}
	for name, value := range f.Fields {
		sent.Set(name, value)
	}
	for name, value := range values {
		if _, has := f.Fields[name]; !has {
			return nil, fmt.Errorf("the form of %s has no field %q", p.URL, name)
		}
		sent.Set(name, value)
	}
	if len(f.Buttons) > 0 || button != "" {
		i := slices.IndexFunc(f.Buttons, func(b Button) bool { return b.Value == button })
		if i < 0 && button != "" {
			return nil, fmt.Errorf("the form of %s has no button %q, only %v", p.URL, button, f.Buttons)
		}
		if i >= 0 && f.Buttons[i].Name != "" {
			sent.Set(f.Buttons[i].Name, button)
		}
	}
	target, err := p.URL.Parse(f.Action)
	if err != nil {
		return nil, err
	}
	var r *http.Request
	if f.Method == http.MethodPost {
		r, err = http.NewRequest(f.Method, target.String(), strings.NewReader(sent.Encode()))
	} else {
		target.RawQuery = sent.Encode()
		r, err = http.NewRequest(f.Method, target.String(), nil)
	}
	if err != nil {
		return nil, err
	}
	if f.Method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin(p.URL))
	}
	if err := p.mayLead(r.URL); err != nil {
		return nil, err
	}
	return b.follow(r, p, "same-origin")
}

// follow sends the request and goes where the answers lead, up to another
// origin.
func (b *Browser) follow(r *http.Request, from *Page, site string) (*Page, error) {
	home := origin(r.URL)
	for range 20 {
		answer, body, err := b.send(r, site)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode/100 != 3 {
			return newPage(answer, body)
		}
		next, err := answer.Location()
		if err != nil {
			return nil, fmt.Errorf("%s leads nowhere: %w", r.URL, err)
		}
		if from != nil {
			if err := from.mayLead(next); err != nil {
				return nil, err
			}
		}
		if origin(next) != home {
			return &Page{URL: r.URL, Status: answer.StatusCode, Header: answer.Header, Away: next}, nil
		}
		if answer.StatusCode == http.StatusTemporaryRedirect || answer.StatusCode == http.StatusPermanentRedirect {
			return nil, fmt.Errorf("%s sends what was posted to it on to %s", r.URL, next)
		}
		if r, err = http.NewRequest(http.MethodGet, next.String(), nil); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the redirects go in circles")
}

// maxPage is the most that is read of a page, in bytes.
const maxPage = 1 << 20

func (b *Browser) send(r *http.Request, site string) (*http.Response, []byte, error) {
	for name, values := range b.Looks {
		r.Header[name] = values
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	answer, err := b.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	b.Seen = append(b.Seen, answer)
	return answer, body, err
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
