package house

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Hand is somebody with a client on a device. Its client speaks plain HTTP, so
// that tests can do what libraries would not.
type Hand struct {
	At      string // the server's URL
	Client  Client
	Browser *Browser
	// Looks are the headers of the client's own calls.
	Looks http.Header
	// Key proves possession where it is not nil (RFC 9449).
	Key *Key
	// Tokens are those of the last good answer of the token endpoint.
	Tokens Tokens

	http *http.Client
}

// Tokens is a good answer of the token endpoint.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
	Device  string `json:"device_id"`
	SID     string `json:"sid"`
}

// Answer is an answer to a client.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error returns the code in the answer: that of OAuth or of a problem.
func (a Answer) Error() string {
	var body struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}
	_ = json.Unmarshal(a.Body, &body) // a page has none
	return body.Error + body.Code
}

// NewHand returns somebody whose browser and client look alike, as on a
// device that runs an app of its own.
func (h *House) NewHand(c Client, looks http.Header) *Hand {
	return &Hand{
		At: h.Issuer, Client: c, Browser: NewBrowser(looks), Looks: looks,
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2}},
	}
}

// Trust has browser and client trust what a TLS configuration trusts.
func (h *Hand) Trust(c *tls.Config) {
	for _, client := range []*http.Client{h.http, h.Browser.client} {
		client.Transport = &http.Transport{MaxIdleConnsPerHost: 2, TLSClientConfig: c}
	}
}

// Ask is an authorization request that waits for its answer.
type Ask struct {
	URL, State, Verifier string
}

// NewAsk returns an authorization request with PKCE. Values of more win over
// what it would send; empty ones leave it out.
func (h *Hand) NewAsk(scope string, more url.Values) Ask {
	a := Ask{State: rand.Text(), Verifier: rand.Text() + rand.Text()}
	sum := sha256.Sum256([]byte(a.Verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {h.Client.ID}, "redirect_uri": {h.Client.Redirect},
		"scope": {scope}, "state": {a.State}, "nonce": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	maps.Copy(query, more)
	maps.DeleteFunc(query, func(_ string, values []string) bool { return values[0] == "" })
	a.URL = h.At + "/oauth2/auth?" + query.Encode()
	return a
}

// SignIn signs in through the browser and redeems the code.
func (h *Hand) SignIn(u User, scope string, more url.Values) (Answer, error) {
	ask := h.NewAsk(scope, more)
	back, err := h.Browser.SignIn(ask.URL, u)
	if err != nil {
		return Answer{}, err
	}
	return h.Redeem(ask, back)
}

// Redeem exchanges the code that came back.
func (h *Hand) Redeem(ask Ask, back *url.URL) (Answer, error) {
	query := back.Query()
	switch {
	case query.Get("error") != "":
		return Answer{}, fmt.Errorf("the sign-in ended with %s: %s", query.Get("error"), query.Get("error_description"))
	case query.Get("state") != ask.State:
		return Answer{}, fmt.Errorf("the state came back as %q", query.Get("state"))
	}
	return h.Token(url.Values{
		"grant_type": {"authorization_code"}, "code": {query.Get("code")},
		"code_verifier": {ask.Verifier}, "redirect_uri": {h.Client.Redirect},
	})
}

// Refresh presents the refresh token that the hand holds.
func (h *Hand) Refresh() (Answer, error) {
	return h.Token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.Tokens.Refresh}})
}

// Token posts to the token endpoint. A good answer becomes the hand's tokens.
func (h *Hand) Token(form url.Values) (Answer, error) {
	a, err := h.Post("/oauth2/token", form)
	if err != nil || a.Status != http.StatusOK {
		return a, err
	}
	h.Tokens = Tokens{}
	return a, json.Unmarshal(a.Body, &h.Tokens)
}

// Post posts a form as the client, which authenticates by its secret if it
// has one.
func (h *Hand) Post(path string, form url.Values) (Answer, error) {
	form = maps.Clone(form)
	if h.Client.Secret == "" {
		form.Set("client_id", h.Client.ID)
	}
	r, err := http.NewRequest(http.MethodPost, h.At+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if h.Client.Secret != "" {
		r.SetBasicAuth(url.QueryEscape(h.Client.ID), url.QueryEscape(h.Client.Secret))
	}
	if h.Key != nil {
		r.Header.Set("DPoP", h.Key.Proof(http.MethodPost, h.At+path, ""))
	}
	return h.Do(r)
}

// Call uses an API with the hand's access token. A body is JSON.
func (h *Hand) Call(method, path, body string) (Answer, error) {
	r, err := http.NewRequest(method, h.At+path, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+h.Tokens.Access)
	if h.Key != nil {
		r.Header.Set("Authorization", "DPoP "+h.Tokens.Access)
		r.Header.Set("DPoP", h.Key.Proof(method, h.At+path, h.Tokens.Access))
	}
	return h.Do(r)
}

// Do sends a request with the looks of the hand.
func (h *Hand) Do(r *http.Request) (Answer, error) {
	for name, values := range h.Looks {
		r.Header[name] = values
	}
	answer, err := h.http.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	return Answer{answer.StatusCode, answer.Header, body}, err
}
