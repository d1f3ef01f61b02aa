package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

// The algorithms of keys.
const (
	ES256 = "ES256"
	RS256 = "RS256"
	HS256 = "HS256" // token keys only
)

// Store keeps keys.
type Store interface {
	// Keys returns all keys that are not gone, oldest first.
	Keys(ctx context.Context) ([]oauth.Key, error)
	// PutKey adds a key, or replaces it by its ID.
	PutKey(ctx context.Context, k oauth.Key) error
}

// Config is what a keyring needs. Store, System, Now and Log have no default.
type Config struct {
	Store Store
	// System is the system secrets, each at least 32 bytes. The first seals,
	// all of them open.
	System [][]byte
	Now    func() time.Time
	Log    *slog.Logger
	// PublishDelay is how long a key is published before it is used. It must
	// outlast what caches the key set. Default 2 minutes.
	PublishDelay time.Duration
	// RetireAfter is how long a signing key verifies after its successor took
	// over. It must outlast every JWT signed. Default [RetireAfter].
	RetireAfter time.Duration
	// RetireTokensAfter is the same for token keys. It must outlast every
	// refresh token, whose grants may live for months. Default 400 days.
	RetireTokensAfter time.Duration
	// Algs is what ID tokens may be signed with; the first is the default.
	// Default ES256 and RS256.
	Algs []string
}

// RetireAfter is how long signing keys verify at least, after their successors
// took over.
const RetireAfter = 24 * time.Hour

// learnEvery is how often unknown keys may make the ring read the store.
const learnEvery = 3 * time.Second

// minSystem is the least length of a system secret in bytes.
const minSystem = 32

func (c *Config) complete() error {
	if c.PublishDelay == 0 {
		c.PublishDelay = 2 * time.Minute
	}
	if c.RetireAfter == 0 {
		c.RetireAfter = RetireAfter
	}
	if c.RetireTokensAfter == 0 {
		c.RetireTokensAfter = 400 * 24 * time.Hour
	}
	if len(c.Algs) == 0 {
		c.Algs = []string{ES256, RS256}
	}
	if len(c.System) == 0 {
		return errors.New("no system secret")
	}
	for i, secret := range c.System {
		if len(secret) < minSystem {
			return fmt.Errorf("system secret %d is shorter than %d bytes", i, minSystem)
		}
	}
	for _, alg := range c.Algs {
		if alg != ES256 && alg != RS256 {
			return fmt.Errorf("no keys for algorithm %q", alg)
		}
	}
	return nil
}

// Format hides the system secrets, whatever the verb.
func (Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// Keyring is the server's keys, open. Its methods may be called at once.
type Keyring struct {
	config Config
	keys   atomic.Pointer[[]*key] // oldest first; replaced, never changed
	read   atomic.Pointer[reading]
	// turn is held while the store is read or written, so that an older
	// reading never replaces a newer one. A channel, to give up waiting.
	turn chan struct{}
}

// reading is the last time the store was read.
type reading struct {
	at  time.Time
	err error
}

// Format hides the keys, whatever the verb.
func (*Keyring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// Open returns the ring of the store's keys. Where a key is missing, as on the
// first start, it makes one that is in force at once; replicas that start at
// once agree on which. It fails on a key that no system secret opens.
func Open(ctx context.Context, c Config) (*Keyring, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	k := &Keyring{config: c, turn: make(chan struct{}, 1)}
	k.keys.Store(new([]*key))
	if err := k.Reload(ctx); err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	made, err := k.supply(ctx)
	if err == nil && made {
		err = k.Reload(ctx) // others may have been faster
	}
	if err != nil {
		return nil, fmt.Errorf("open keyring: %w", err)
	}
	return k, nil
}

// supply makes the keys that are missing and reports whether any was.
func (k *Keyring) supply(ctx context.Context) (made bool, err error) {
	for _, line := range k.lines() {
		inForce := func(key *key) bool { return line.has(key) && key.RetiredAt.IsZero() }
		if slices.ContainsFunc(*k.keys.Load(), inForce) {
			continue
		}
		now := k.now()
		if _, err := k.put(ctx, line, now, now); err != nil {
			return made, err
		}
		made = true
	}
	return made, nil
}

// Reload reads the store again. Keys it cannot open are an error, and no
// reason to forget or to miss the others.
func (k *Keyring) Reload(ctx context.Context) error {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return fmt.Errorf("reload keys: %w", ctx.Err())
	}
	return k.reload(ctx)
}

func (k *Keyring) reload(ctx context.Context) error {
	rows, err := k.config.Store.Keys(ctx)
	if err != nil {
		err = fmt.Errorf("reload keys: %w", err)
		k.read.Store(&reading{k.now(), err})
		return err
	}
	var keys []*key
	var errs []error
	for _, row := range rows {
		if gone(row, k.now()) {
			continue
		}
		key, err := k.reopen(row)
		if err != nil {
			errs = append(errs, fmt.Errorf("reload keys: %w", err))
			continue
		}
		keys = append(keys, key)
	}
	for _, line := range k.lines() {
		if last := k.current(line); last != nil && !slices.ContainsFunc(keys, line.has) {
			keys = append(keys, last)
			errs = append(errs, fmt.Errorf("reload keys: no key for %s is left", line.alg))
		}
	}
	slices.SortFunc(keys, older)
	k.keys.Store(&keys)
	k.read.Store(&reading{k.now(), errors.Join(errs...)})
	return errors.Join(errs...)
}

// reopen opens a row, or takes what it holds from the ring where it is known.
func (k *Keyring) reopen(row oauth.Key) (*key, error) {
	for _, known := range *k.keys.Load() {
		if known.ID == row.ID && known.Use == row.Use && known.Alg == row.Alg &&
			slices.Equal(known.Sealed, row.Sealed) {
			again := *known
			again.Key = row
			return &again, nil
		}
	}
	return open(row, k.config.System)
}

// learn reads the store because of an unknown key, unless it just was. While a
// key cannot be opened any unknown one may be that one, which is trouble.
func (k *Keyring) learn(ctx context.Context) error {
	if last := k.read.Load(); k.justNow(last) {
		return last.err
	}
	// Whoever waits here shares one reading, and nobody's hanging up spoils it
	// for the others.
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if last := k.read.Load(); k.justNow(last) {
		return last.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), learnEvery)
	defer cancel()
	if err := k.reload(ctx); err != nil {
		k.config.Log.Error("learn keys", "err", err)
		return k.read.Load().err
	}
	return nil
}

func (k *Keyring) justNow(r *reading) bool {
	since := k.now().Sub(r.at)
	return since >= 0 && since < learnEvery
}

// Run reloads the ring until the context ends. every should be well under the
// PublishDelay, so that all replicas publish a key before any uses it.
func (k *Keyring) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := k.Reload(ctx); err != nil && ctx.Err() == nil {
				k.config.Log.Error("reload keys", "err", err)
			}
		}
	}
}

// now is cut to what every store keeps.
func (k *Keyring) now() time.Time { return k.config.Now().UTC().Truncate(time.Microsecond) }
