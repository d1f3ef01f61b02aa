package cmd

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type usersCmd struct {
	Create  usersCreate  `cmd:"" help:"Add a user and print it. A generated password is shown this once."`
	List    usersList    `cmd:"" help:"List the users."`
	Passwd  usersPasswd  `cmd:"" help:"Give a user a new password."`
	Disable usersDisable `cmd:"" help:"Let a user sign in no more: ends all their grants and sign-ins."`
	Enable  usersEnable  `cmd:"" help:"Let a disabled user sign in again."`
}

// user is a user as it is printed: never the hash of the password.
type user struct {
	Subject    string         `json:"subject"`
	Identifier string         `json:"identifier"`
	Password   string         `json:"password,omitempty"` // only ever one that was generated
	Claims     map[string]any `json:"claims,omitempty"`
	Disabled   bool           `json:"disabled"`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

func userOf(u oauth.User) user {
	return user{
		Subject: u.Subject, Identifier: u.Identifier, Claims: u.Claims, Disabled: u.Disabled,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

// printUser prints a user, with its password where that was generated.
func (a *app) printUser(u user) error {
	rows := []row{{"subject", u.Subject}, {"identifier", u.Identifier}}
	if u.Password != "" {
		rows = append(rows, row{"password", u.Password + "  (shown this once)"})
	}
	state := "active"
	if u.Disabled {
		state = "disabled"
	}
	return a.print(u, nil, append(rows, row{"state", state})...)
}

type usersList struct{}

// Run prints every user by subject.
func (*usersList) Run(a *app) error {
	return a.withStore(func(_ Config, s *store.Store) error {
		all, rows := []user{}, []row{}
		for page := (devices.Page{Limit: 500}); ; page.After = all[len(all)-1].Subject {
			more, err := s.ListUsers(a.ctx, page)
			if err != nil {
				return err
			}
			for _, u := range more {
				state := "active"
				if u.Disabled {
					state = "disabled"
				}
				all = append(all, userOf(u))
				rows = append(rows, row{u.Subject, u.Identifier, state, stamp(u.CreatedAt)})
			}
			if len(more) < page.Limit {
				return a.print(all, row{"SUBJECT", "IDENTIFIER", "STATE", "CREATED"}, rows...)
			}
		}
	})
}

// who names a user on the command line.
type who struct {
	User string `arg:"" help:"The user's identifier or subject."`
}

// find returns the user of that identifier or, where there is none, subject.
func (w who) find(a *app, s *store.Store) (oauth.User, error) {
	u, err := s.UserByIdentifier(a.ctx, w.User)
	if errors.Is(err, devices.ErrNotFound) {
		u, err = s.User(a.ctx, w.User)
	}
	if errors.Is(err, devices.ErrNotFound) {
		return u, fmt.Errorf("there is no user %q (try: lanyard users list)", w.User)
	}
	return u, err
}

type usersPasswd struct {
	who
	Password string `placeholder:"PASSWORD" help:"The new password, or - to read it from standard input (default: a new one, shown once)."`
}

// Run replaces the password and ends the grants and sign-ins of the user.
func (c *usersPasswd) Run(a *app) error {
	return a.withStore(func(_ Config, s *store.Store) error {
		u, err := c.find(a, s)
		if err != nil {
			return err
		}
		generated, hash, err := a.password(c.Password)
		if err != nil {
			return err
		}
		now := a.now()
		if err := s.SetPassword(a.ctx, u.Subject, hash, "", now); err != nil {
			return err
		}
		changed := userOf(u)
		changed.Password, changed.UpdatedAt = generated, now
		return a.printUser(changed)
	})
}

type usersDisable struct{ who }

// Run disables the user.
func (c *usersDisable) Run(a *app) error { return c.setDisabled(a, true) }

type usersEnable struct{ who }

// Run enables the user. What was ended stays ended.
func (c *usersEnable) Run(a *app) error { return c.setDisabled(a, false) }

func (w who) setDisabled(a *app, off bool) error {
	return a.withStore(func(_ Config, s *store.Store) error {
		u, err := w.find(a, s)
		if err != nil {
			// Beside Kratos, subjects are known by their devices alone.
			if s.SetUserDisabled(a.ctx, w.User, off, a.now()) != nil {
				return err
			}
			return a.printUser(user{Subject: w.User, Disabled: off})
		}
		if err := s.SetUserDisabled(a.ctx, u.Subject, off, a.now()); err != nil {
			return err
		}
		u.Disabled = off
		return a.printUser(userOf(u))
	})
}

// minPassword is the fewest characters of a password (NIST SP 800-63B §5.1.1).
const minPassword = 8

// password returns the hash of the password that a flag asks for, and the
// password itself where it was generated.
func (a *app) password(flag string) (generated, hash string, err error) {
	chosen, err := a.secretFlag(flag)
	switch {
	case err != nil:
		return "", "", err
	case chosen == "":
		generated = newPassword()
		chosen = generated
	case len([]rune(chosen)) < minPassword:
		return "", "", fmt.Errorf("the password is too short: at least %d characters", minPassword)
	case strings.ContainsFunc(chosen, func(r rune) bool { return r < ' ' }):
		return "", "", errors.New("the password holds control characters, which no login form sends")
	}
	hash, err = local.HashPassword(chosen)
	return generated, hash, err
}
