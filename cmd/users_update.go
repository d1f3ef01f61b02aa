package cmd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type usersUpdate struct {
	who
	Identifier *string  `help:"What the user types to sign in from now on."`
	Name       *string  `help:"The claim name; empty forgets it."`
	Email      *string  `help:"The claim email; empty forgets it. A new one is not verified."`
	Claim      []string `sep:"none" placeholder:"NAME=VALUE" help:"Any other claim, as in users create. May be repeated."`
	Forget     []string `placeholder:"NAME" help:"Forget these claims."`
}

// Run changes what the flags name. Passwords, devices and grants stay; tokens
// carry the new claims from the next one on.
func (c *usersUpdate) Run(a *app) error {
	claims, err := claimsOf(c.Claim)
	if err != nil {
		return err
	}
	texts := maps.Clone(claims)
	for name, value := range map[string]*string{"name": c.Name, "email": c.Email} {
		if value != nil {
			texts[name] = *value
		}
	}
	if err := checkTexts(texts); err != nil {
		return err
	}
	if c.Identifier != nil {
		if *c.Identifier, err = checkIdentifier(*c.Identifier); err != nil {
			return fmt.Errorf("--identifier: %w", err)
		}
	}
	return a.withStore(func(config Config, s *store.Store) error {
		found, err := c.find(a, config, s)
		if err != nil {
			return err
		}
		u, err := s.UpdateUser(a.ctx, found.Subject, a.now(), func(u *oauth.User) { c.edit(u, claims) })
		switch {
		case errors.Is(err, devices.ErrExists):
			return fmt.Errorf("there is a user %q already (see: lanyard users show %s)", *c.Identifier, *c.Identifier)
		case errors.Is(err, devices.ErrInvalid):
			return errNotText
		case err != nil:
			return err
		}
		return a.printUser(userOf(u))
	})
}

// edit changes a user as the flags say.
func (c *usersUpdate) edit(u *oauth.User, claims map[string]any) {
	if c.Identifier != nil {
		u.Identifier = *c.Identifier
	}
	if u.Claims == nil {
		u.Claims = map[string]any{}
	}
	for _, name := range c.Forget {
		delete(u.Claims, name)
	}
	for name, value := range map[string]*string{"name": c.Name, "email": c.Email} {
		if value == nil || u.Claims[name] == *value {
			continue
		}
		u.Claims[name] = *value
		if *value == "" {
			delete(u.Claims, name)
		}
		if name == "email" {
			delete(u.Claims, "email_verified") // it was about the other one
		}
	}
	maps.Copy(u.Claims, claims)
}

// errNotText: something cannot be kept as text.
var errNotText = errors.New("identifier, subject and claims must be valid UTF-8 without NUL")

// checkIdentifier returns what a user types to sign in without the space
// around it.
func checkIdentifier(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "" || len(name) > maxName:
		return name, usagef("the identifier must have 1 to %d bytes", maxName)
	case strings.ContainsFunc(name, devices.Misleads):
		return name, usagef("the identifier %s", misleading)
	}
	return name, nil
}

// misleading says what is wrong with a text that looks like another one.
const misleading = "must have no control characters, controls of the writing direction or invisible characters"

// checkTexts returns an error for claims whose texts look like others.
func checkTexts(claims map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if misleads(claims[name]) {
			return usagef("the claim %s %s", name, misleading)
		}
	}
	return nil
}

// misleads reports whether a claim holds a text that looks like another one, at
// any depth. The members of an address may have several lines (OpenID Connect
// Core §5.1.1).
func misleads(claim any) bool {
	switch claim := claim.(type) {
	case string:
		return strings.ContainsFunc(claim, devices.Misleads)
	case []any:
		return slices.ContainsFunc(claim, misleads)
	case map[string]any:
		for name, value := range claim {
			if text, is := value.(string); is {
				value = strings.NewReplacer("\r\n", " ", "\n", " ").Replace(text)
			}
			if misleads(name) || misleads(value) {
				return true
			}
		}
	}
	return false
}
