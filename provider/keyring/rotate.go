package keyring

import (
	"context"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

// Rotate makes the next key of a use (and, for oauth.UseSign, an algorithm)
// and returns its row. It is published now and used after the PublishDelay;
// its predecessors verify for RetireAfter beyond that. Keys that an older
// system secret sealed are sealed again under the first.
//
// Two replicas that rotate at once make two keys, of which one is used.
func (k *Keyring) Rotate(ctx context.Context, use, alg string) (oauth.Key, error) {
	l := line{use, alg}
	if use == oauth.UseToken {
		l.alg = HS256
	}
	if !slices.Contains(k.lines(), l) {
		return oauth.Key{}, fmt.Errorf("rotate keys: no keys for use %q and algorithm %q", use, alg)
	}
	// What others have changed must not be written back as it was.
	if err := k.Reload(ctx); err != nil {
		return oauth.Key{}, fmt.Errorf("rotate keys: %w", err)
	}
	now := k.now()
	made, err := k.put(ctx, l, now, now.Add(k.config.PublishDelay))
	if err != nil {
		return oauth.Key{}, fmt.Errorf("rotate keys: %w", err)
	}
	if err := k.retire(ctx, l, made); err != nil {
		return oauth.Key{}, fmt.Errorf("rotate keys: %w", err)
	}
	if err := k.Reload(ctx); err != nil {
		return oauth.Key{}, fmt.Errorf("rotate keys: %w", err)
	}
	return made.Key, nil
}

// retire writes what a new key changes about the others.
func (k *Keyring) retire(ctx context.Context, l line, successor *key) error {
	keep := k.config.RetireAfter
	if l.use == oauth.UseToken {
		keep = k.config.RetireTokensAfter
	}
	for _, old := range *k.keys.Load() {
		next := *old
		retires := l.has(old) && old.ID != successor.ID && old.RetiredAt.IsZero()
		if retires {
			next.RetiredAt = successor.ActiveAt.Add(keep)
		}
		if old.sealedBy > 0 {
			if err := next.seal(k.config.System[0]); err != nil {
				return err
			}
		}
		if !retires && old.sealedBy == 0 {
			continue
		}
		if err := k.config.Store.PutKey(ctx, next.Key); err != nil {
			return fmt.Errorf("keep key %s: %w", old.ID, err)
		}
	}
	return nil
}
