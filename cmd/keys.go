package cmd

import (
	"log/slog"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type keysCmd struct {
	List   keysList   `cmd:"" help:"List the keys that sign and those that authenticate tokens."`
	Rotate keysRotate `cmd:"" help:"Make the next keys. Old ones go on verifying; nobody is signed out."`
}

// key is a key as it is printed: never the key itself.
type key struct {
	ID  string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	// State is next (published, not used yet), active (used), spare (would be
	// used, but for an older one), retiring (only verifies) or retired (gone).
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	ActiveAt  time.Time `json:"active_at"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
}

func keyOf(k oauth.Key, used bool, now time.Time) key {
	shown := key{
		ID: k.ID, Use: k.Use, Alg: k.Alg, State: "spare",
		CreatedAt: k.CreatedAt, ActiveAt: k.ActiveAt, RetiredAt: k.RetiredAt,
	}
	switch {
	case !k.RetiredAt.IsZero() && !now.Before(k.RetiredAt):
		shown.State = "retired"
	case used: // until its successor's time has come, whatever its own end
		shown.State = "active"
	case now.Before(k.ActiveAt):
		shown.State = "next"
	case !k.RetiredAt.IsZero():
		shown.State = "retiring"
	}
	return shown
}

// printKeys prints some of all keys.
func (a *app) printKeys(all, rows []oauth.Key) error {
	used := keyring.InUse(all, a.now())
	keys, table := make([]key, len(rows)), make([]row, len(rows))
	for i, k := range rows {
		keys[i] = keyOf(k, slices.Contains(used, k.ID), a.now())
		table[i] = row{k.ID, k.Use, k.Alg, keys[i].State, stamp(k.CreatedAt), stamp(k.ActiveAt), stamp(k.RetiredAt)}
	}
	return a.print(keys, row{"KEY", "USE", "ALG", "STATE", "CREATED", "ACTIVE FROM", "VERIFIES UNTIL"}, table...)
}

type keysList struct{}

// Run prints the keys, oldest first.
func (*keysList) Run(a *app) error {
	return a.withStore(func(_ Config, s *store.Store) error {
		keys, err := s.Keys(a.ctx)
		if err != nil {
			return err
		}
		return a.printKeys(keys, keys)
	})
}

type keysRotate struct {
	Use string `enum:"all,sig,token" default:"all" help:"Which keys: sig (ID tokens, JWTs), token (opaque tokens) or all."`
	Alg string `enum:"all,ES256,RS256" default:"all" help:"Which signing keys: ES256, RS256 or all."`
}

// Run makes the next keys and prints them.
func (c *keysRotate) Run(a *app) error {
	if c.Use == "token" && c.Alg != "all" {
		return usagef("--use token alone, and --alg for keys that sign: token keys have one algorithm")
	}
	return a.withStore(func(config Config, s *store.Store) error {
		if len(config.Secrets.System) == 0 {
			return &ConfigError{[]string{"secrets.system: required, the same as the server's"}}
		}
		ring, err := keyring.Open(a.ctx, config.keyring(s, a.now, slog.New(slog.DiscardHandler)))
		if err != nil {
			return err
		}
		var made []oauth.Key
		for _, next := range []struct{ use, alg string }{
			{oauth.UseSign, keyring.ES256}, {oauth.UseSign, keyring.RS256}, {oauth.UseToken, keyring.HS256},
		} {
			wanted := (c.Use == "all" || c.Use == next.use) &&
				(c.Alg == "all" || c.Alg == next.alg || (next.use == oauth.UseToken && c.Use == next.use))
			if !wanted {
				continue
			}
			k, err := ring.Rotate(a.ctx, next.use, next.alg)
			if err != nil {
				return err
			}
			made = append(made, k)
		}
		keys, err := s.Keys(a.ctx)
		if err != nil {
			return err
		}
		return a.printKeys(keys, made)
	})
}

// keyring returns the configuration of the key ring. Token keys verify for as
// long as any grant may live.
func (c Config) keyring(s keyring.Store, now func() time.Time, log *slog.Logger) keyring.Config {
	const year = 400 * 24 * time.Hour
	return keyring.Config{
		Store: s, System: reveal(c.Secrets.System), Now: now, Log: log,
		RetireAfter:       max(keyring.RetireAfter, c.Tokens.AccessTTL, c.Tokens.IDTTL),
		RetireTokensAfter: max(year, c.Tokens.RefreshAbsolute),
	}
}
