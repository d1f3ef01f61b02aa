package cmd

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// narrator prints the story.
type narrator struct{ out io.Writer }

func (n *narrator) say(format string, args ...any) { fmt.Fprintf(n.out, format+"\n", args...) }

func (n *narrator) chapter(title string) { n.say("\n%s", title) }

// The looks of the story's devices.
func demoLaptop() http.Header {
	return http.Header{
		"User-Agent":         {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
		"Sec-Ch-Ua":          {`"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`},
		"Sec-Ch-Ua-Mobile":   {"?0"},
		"Sec-Ch-Ua-Platform": {`"Windows"`},
		"Accept-Language":    {"en-GB,en;q=0.9"},
	}
}

func demoPhone() http.Header {
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"},
		"Accept-Language": {"en-GB,en;q=0.9"},
	}
}

func demoThief() http.Header {
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"},
		"Accept-Language": {"en-US,en;q=0.5"},
	}
}

// hand is somebody with a device and a client on it.
type hand struct {
	ctx    context.Context
	out    *narrator
	issuer string
	name   string
	looks  http.Header
	http   *http.Client

	token, access, device, before string
}

func newHand(ctx context.Context, out *narrator, issuer, name string, looks http.Header) *hand {
	jar, _ := cookiejar.New(nil) // fails only with options
	return &hand{
		ctx: ctx, out: out, issuer: issuer, name: name, looks: looks,
		http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
}

// do sends a request and tells it in one line.
func (h *hand) do(method, address, kind, body, what string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(h.ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.Header = h.looks.Clone()
	if body != "" {
		r.Header.Set("Content-Type", kind)
	}
	if kind == jsonType && h.access != "" {
		r.Header.Set("Authorization", "Bearer "+h.access)
	}
	answer, err := h.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	h.out.say("  %-6s  %-6s %-22s %-34s %d%s", h.name, method, someID.ReplaceAllString(r.URL.Path, "{id}"), what, answer.StatusCode, gist(raw))
	return answer, raw, err
}

// someID is an ID in a path: which one makes no difference to the story.
var someID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// gist returns the error code of an answer, if it has one.
func gist(raw []byte) string {
	var body struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}
	_ = json.Unmarshal(raw, &body) // a page has none
	if body.Error+body.Code == "" {
		return ""
	}
	return " " + body.Error + body.Code
}

// signIn goes through the authorization code flow as a browser and its client
// do.
func (h *hand) signIn() error {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {demoClient}, "redirect_uri": {demoRedirect},
		"scope": {"openid offline_access devices"}, "state": {rand.Text()}, "prompt": {"login"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	at := h.issuer + "/oauth2/auth?" + query.Encode()
	for range 5 {
		u, err := url.Parse(at)
		if err != nil {
			return err
		}
		if code := u.Query().Get("code"); code != "" {
			return h.exchange(url.Values{
				"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
				"client_id": {demoClient}, "redirect_uri": {demoRedirect},
			}, 200, "authorization_code")
		}
		var answer *http.Response
		if u.Path == "/login" {
			answer, _, err = h.do("POST", at, formType, url.Values{
				"identifier": {demoUser}, "password": {demoPassword}, "flow": {u.Query().Get("flow")},
			}.Encode(), "name and password")
		} else {
			answer, _, err = h.do("GET", at, "", "", "")
		}
		if err != nil {
			return err
		}
		if at = answer.Header.Get("Location"); at == "" {
			return fmt.Errorf("%s: the sign-in stopped with %s", h.name, answer.Status)
		}
	}
	return errors.New("the sign-in goes in circles")
}

// refresh presents the token that the hand holds.
func (h *hand) refresh(want int) error {
	return h.exchange(url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {h.token}, "client_id": {demoClient},
	}, want, "refresh_token")
}

func (h *hand) exchange(form url.Values, want int, what string) error {
	answer, raw, err := h.do("POST", h.issuer+"/oauth2/token", formType, form.Encode(), what)
	switch {
	case err != nil:
		return err
	case answer.StatusCode != want:
		return fmt.Errorf("%s: %s answered %s, not %d", h.name, what, answer.Status, want)
	case want != http.StatusOK:
		return nil
	}
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Device  string `json:"device_id"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return err
	}
	h.before, h.device = h.device, got.Device
	h.access, h.token = got.Access, got.Refresh
	return nil
}

// call uses the device API.
func (h *hand) call(method, path, body string, want int) error {
	answer, _, err := h.do(method, h.issuer+path, jsonType, body, "")
	if err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s: %s %s answered %s, not %d", h.name, method, path, answer.Status, want)
	}
	return err
}

func (h *hand) sameDevice() error {
	if h.before != h.device {
		return fmt.Errorf("%s: was not recognised", h.name)
	}
	return nil
}

func (h *hand) sameToken(other string) error {
	if h.token != other {
		return fmt.Errorf("%s: the same request was answered otherwise", h.name)
	}
	return nil
}
