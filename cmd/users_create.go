package cmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type usersCreate struct {
	Identifier string   `arg:"" help:"What the user types to sign in, such as an e-mail address."`
	Subject    string   `help:"The sub of their tokens (default: a new UUID)."`
	Password   string   `placeholder:"PASSWORD" help:"The password, or - to read it from standard input (default: a new one, shown once)."`
	Name       string   `help:"The claim name."`
	Email      string   `help:"The claim email."`
	Claim      []string `sep:"none" placeholder:"NAME=VALUE" help:"Any other claim of OIDC Core §5.1; the value is text, or JSON where the claim is no text. May be repeated."`
}

// maxName is the most bytes of a subject (OIDC Core §2) and of an identifier.
const maxName = 255

// Run adds the user.
func (c *usersCreate) Run(a *app) error {
	u, err := c.user(a)
	if err != nil {
		return err
	}
	generated, hash, err := a.password(c.Password)
	if err != nil {
		return err
	}
	u.PasswordHash = hash
	return a.withStore(func(config Config, s *store.Store) error {
		if err := config.ownUsers(); err != nil {
			return err
		}
		switch err := s.CreateUser(a.ctx, u); {
		case errors.Is(err, devices.ErrExists):
			return c.taken(a, s, u)
		case errors.Is(err, devices.ErrInvalid):
			return errNotText
		case err != nil:
			return err
		}
		shown := userOf(u)
		shown.Password = generated
		return a.printUser(shown)
	})
}

// taken says which of a new user's names is somebody's.
func (c *usersCreate) taken(a *app, s *store.Store, u oauth.User) error {
	switch _, err := s.UserByIdentifier(a.ctx, u.Identifier); {
	case err == nil:
		return fmt.Errorf("there is a user %q already (see: lanyard users show %s)", u.Identifier, u.Identifier)
	case !errors.Is(err, devices.ErrNotFound):
		return err
	}
	return fmt.Errorf("there is or was a subject %q already, and a subject is never given twice; choose another --subject",
		u.Subject)
}

// user returns the record that the flags describe, without a password.
func (c *usersCreate) user(a *app) (oauth.User, error) {
	now := a.now()
	u := oauth.User{
		Subject: c.Subject,
		Claims:  map[string]any{}, CreatedAt: now, UpdatedAt: now,
	}
	if u.Subject == "" {
		u.Subject = newID()
	}
	var err error
	if u.Identifier, err = checkIdentifier(c.Identifier); err != nil {
		return u, err
	}
	if len(u.Subject) > maxName || strings.ContainsFunc(u.Subject, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return u, usagef("--subject must have at most %d printable ASCII characters and no space", maxName)
	}
	for name, value := range map[string]string{"name": c.Name, "email": c.Email} {
		if value != "" {
			u.Claims[name] = value
		}
	}
	claims, err := claimsOf(c.Claim)
	maps.Copy(u.Claims, claims)
	return u, errors.Join(err, checkTexts(u.Claims))
}

// newPassword returns a password of 130 random bits in groups that can be
// read out.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	groups := []string{}
	for ; len(text) > 6; text = text[6:] {
		groups = append(groups, text[:6])
	}
	return strings.Join(append(groups, text), "-")
}
