package cmd

import (
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type usersCmd struct {
	Create  usersCreate  `cmd:"" help:"Add a user and print it. A generated password is shown this once."`
	List    usersList    `cmd:"" help:"List the users."`
	Show    usersShow    `cmd:"" help:"Print a user, their claims and what they have."`
	Update  usersUpdate  `cmd:"" help:"Change a user's identifier or claims: what is not named stays."`
	Passwd  usersPasswd  `cmd:"" help:"Give a user a new password."`
	Disable usersDisable `cmd:"" help:"Let a user sign in no more: ends all their grants and sign-ins."`
	Enable  usersEnable  `cmd:"" help:"Let a disabled user sign in again."`
	Delete  usersDelete  `cmd:"" help:"Forget a user: ends everything they have. Asks first."`
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
	return a.withStore(func(config Config, s *store.Store) error {
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
				if err := config.ownUsers(); err != nil && len(all) == 0 {
					return err
				}
				return a.print(all, row{"SUBJECT", "IDENTIFIER", "STATE", "CREATED"}, rows...)
			}
		}
	})
}

// who names a user on the command line.
type who struct {
	User string `arg:"" help:"The user's identifier or subject."`
}

// find returns the user of that identifier or subject. Where these are two
// users, it is neither.
func (w who) find(a *app, c Config, s *store.Store) (oauth.User, error) {
	named, err := s.UserByIdentifier(a.ctx, w.User)
	if err != nil && !errors.Is(err, devices.ErrNotFound) {
		return named, err
	}
	u, errOther := s.User(a.ctx, w.User)
	switch {
	case errOther != nil && !errors.Is(errOther, devices.ErrNotFound):
		return u, errOther
	case err != nil && errOther != nil:
		return u, c.noUser(w.User)
	case err != nil:
		return u, nil
	case errOther == nil && u.Subject != named.Subject:
		return u, ambiguous(w.User, u.Subject, named.Subject)
	}
	return named, nil
}

// noUser is the error of a user that there is not.
func (c Config) noUser(name string) error {
	if c.usersElsewhere() {
		return fmt.Errorf("there is no user %q here: users are Kratos' own (identity.kind: kratos); manage them there, "+
			"and what they have here with: lanyard devices revoke --subject SUB, lanyard users disable SUB", name)
	}
	return fmt.Errorf("there is no user %q (try: lanyard users list)", name)
}

func (c Config) usersElsewhere() bool { return c.Identity.Kind == "kratos" }

// ownUsers returns why no user can be made here.
func (c Config) ownUsers() error {
	if c.usersElsewhere() {
		return errors.New("users are Kratos' own (identity.kind: kratos), and so are their passwords: manage them there")
	}
	return nil
}

type usersPasswd struct {
	who
	Password string `placeholder:"PASSWORD" help:"The new password, or - to read it from standard input (default: a new one, shown once)."`
}

// Run replaces the password and ends the devices, grants and sign-ins of the user.
func (c *usersPasswd) Run(a *app) error {
	return a.withStore(func(config Config, s *store.Store) error {
		if err := config.ownUsers(); err != nil {
			return err
		}
		u, err := c.find(a, config, s)
		if err != nil {
			return err
		}
		generated, hash, err := a.password(c.Password)
		if err != nil {
			return err
		}
		now := a.now()
		if err := s.SetPassword(a.ctx, u.Subject, hash, "", devices.Credential{}, now); err != nil {
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
	return a.withStore(func(config Config, s *store.Store) error {
		u, err := w.find(a, config, s)
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

// password returns the hash of the password that a flag asks for, and the
// password itself where it was generated.
func (a *app) password(flag string) (generated, hash string, err error) {
	chosen, err := a.secretFlag(flag, "Password")
	if err != nil {
		return "", "", err
	}
	if chosen == "" {
		generated = newPassword()
		chosen = generated
	}
	if err := local.CheckPassword(chosen); err != nil {
		return "", "", usagef("--password: %w", err)
	}
	hash, err = local.HashPassword(chosen)
	return generated, hash, err
}
