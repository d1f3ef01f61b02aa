package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is more than any answer of the issuer has, in bytes.
const maxAnswer = 1 << 20

// state is what the issuer says of a token (RFC 7662 §2.2), and what a JWT
// says of itself (RFC 9068 §2.2).
type state struct {
	Active       bool      `json:"active"`
	Use          string    `json:"token_use"`
	Issuer       string    `json:"iss"`
	Subject      string    `json:"sub"`
	ClientID     string    `json:"client_id"`
	Scope        string    `json:"scope"`
	Audience     audience  `json:"aud"`
	Expires      int64     `json:"exp"`
	DeviceID     string    `json:"device_id"`
	SID          string    `json:"sid"`
	AuthTime     int64     `json:"auth_time"`
	ACR          string    `json:"acr"`
	Confirmation boundness `json:"cnf"`
}

// boundness names the key that a token is bound to (RFC 9449 §6). Other ways
// to bind a token are not known here.
type boundness struct {
	Thumbprint string `json:"jkt"`
	Other      bool   `json:"-"`
}

// UnmarshalJSON reads the member cnf.
func (b *boundness) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name, value := range members {
		if name != "jkt" {
			b.Other = true
		} else if err := json.Unmarshal(value, &b.Thumbprint); err != nil {
			return err
		}
	}
	return nil
}

// audience is one text or several (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON reads the member aud.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// token returns what a state that is good in itself stands for, or ErrToken.
func (g *Guard) token(s state) (Token, error) {
	if s.Issuer != g.config.Issuer || s.Subject == "" || s.Confirmation.Other {
		return Token{}, ErrToken
	}
	t := Token{
		Subject: s.Subject, ClientID: s.ClientID, DeviceID: s.DeviceID, SID: s.SID, Scopes: strings.Fields(s.Scope),
		Audience: s.Audience, Expires: time.Unix(s.Expires, 0), ACR: s.ACR, Key: s.Confirmation.Thumbprint,
	}
	if s.AuthTime != 0 {
		t.AuthTime = time.Unix(s.AuthTime, 0)
	}
	return t, nil
}

// ask asks the issuer about a token. A refresh token is no access token,
// however good it is.
func (g *Guard) ask(ctx context.Context, raw string) (Token, error) {
	form := url.Values{"token": {raw}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.introspect, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, fmt.Errorf("resource: ask about a token: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(url.QueryEscape(g.config.ClientID), url.QueryEscape(g.config.ClientSecret)) // RFC 6749 §2.3.1
	answer, err := g.asking.Do(r)
	if err != nil {
		return Token{}, fmt.Errorf("resource: ask about a token: %w", err)
	}
	var s state
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		err = errors.New("the issuer refuses ClientID and ClientSecret")
	case answer.StatusCode != http.StatusOK:
		err = fmt.Errorf("the issuer answers %s", answer.Status)
	default:
		err = json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&s)
	}
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return Token{}, fmt.Errorf("resource: ask about a token: %w", err)
	}
	if !s.Active || s.Use == "refresh_token" {
		return Token{}, ErrToken
	}
	return g.token(s)
}
