package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

var _ devices.Consents = (*Store)(nil)

// Accesses returns the clients that have a consent or live grants of a subject,
// by name. It is three SELECTs.
func (s *Store) Accesses(ctx context.Context, subject string, now time.Time) ([]devices.Access, error) {
	if !clean(subject) {
		return nil, nil
	}
	var consents []consentRow
	err := s.read.NewSelect().Model(&consents).Where("subject = ?", subject).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	var grants []grantRow
	err = s.read.NewSelect().Model(&grants).Column("client_id", "device_id", "scopes", "created_at", "rotated_at").
		Where("subject = ? AND client_id <> subject AND revoked_at = 0", subject).
		Where("(not_after = 0 OR not_after > ?0) AND (idle_until = 0 OR idle_until > ?0)", at(now)).
		OrderExpr("created_at, id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	found := map[string]*devices.Access{}
	of := func(clientID string) *devices.Access {
		if found[clientID] == nil {
			found[clientID] = &devices.Access{ClientID: clientID}
		}
		return found[clientID]
	}
	for _, r := range consents {
		a := of(r.ClientID)
		a.Consented, a.Since, a.Scopes = true, r.At.time(), r.Scopes.V
	}
	for i := range grants {
		g := grants[i].grant()
		addGrant(of(g.ClientID), g)
	}
	return s.named(ctx, found)
}

// addGrant adds a live grant to what its client has.
func addGrant(a *devices.Access, g devices.Grant) {
	a.Grants++
	if a.Since.IsZero() || g.CreatedAt.Before(a.Since) {
		a.Since = g.CreatedAt
	}
	for _, used := range []time.Time{g.CreatedAt, g.RotatedAt} {
		if used.After(a.LastUsed) {
			a.LastUsed = used
		}
	}
	for _, scope := range g.Scopes {
		if !slices.Contains(a.Scopes, scope) {
			a.Scopes = append(a.Scopes, scope)
		}
	}
	if g.DeviceID != "" && !slices.Contains(a.DeviceIDs, g.DeviceID) {
		a.DeviceIDs = append(a.DeviceIDs, g.DeviceID)
	}
}

// named returns accesses with the names of their clients, in their order.
func (s *Store) named(ctx context.Context, found map[string]*devices.Access) ([]devices.Access, error) {
	if len(found) == 0 {
		return nil, nil
	}
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	var clients []clientRow
	if err := s.read.NewSelect().Model(&clients).Where("id IN ?", bun.Tuple(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the clients of a subject: %w", err)
	}
	for i := range clients {
		c := clients[i].client()
		a := found[c.ID]
		a.ClientName, a.Scopes = c.Name, left(a.Scopes, c.Scope)
	}
	list := make([]devices.Access, 0, len(found))
	for _, a := range found {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b devices.Access) int {
		name := func(x devices.Access) string { return strings.ToLower(cmp.Or(x.ClientName, x.ClientID)) }
		return cmp.Or(strings.Compare(name(a), name(b)), strings.Compare(a.ClientID, b.ClientID))
	})
	return list, nil
}

// left returns the scopes that a client is still registered for. A client that
// signs people in has some: the registration completes what is empty.
func left(scopes []string, registered string) []string {
	allowed := strings.Fields(registered)
	if len(allowed) == 0 {
		return scopes
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !slices.Contains(allowed, s) })
}

// WithdrawConsent forgets a consent with the codes that are not redeemed yet and
// revokes the client's live grants of the subject; see devices.Consents.
//
// The consent goes first: a code that is being saved on it holds its row, and is
// there to be deleted once the row is free (see [Store.SaveCode]).
func (s *Store) WithdrawConsent(
	ctx context.Context, w devices.Withdrawal, may func(devices.Tx) error, tell func([]devices.Grant) []devices.Event,
) error {
	if !clean(w.Subject, w.ClientID) || w.Subject == w.ClientID {
		return devices.ErrNotFound
	}
	err := s.inSubject(ctx, w.Subject, func(tx bun.Tx) error {
		c := &change{tx: tx, subject: w.Subject}
		if err := may(c); err != nil {
			return err
		}
		consents, err := affected(tx.NewDelete().Model((*consentRow)(nil)).
			Where("subject = ? AND client_id = ?", w.Subject, w.ClientID).Exec(ctx))
		if err != nil {
			return err
		}
		codes, err := affected(tx.NewDelete().Model((*codeRow)(nil)).
			Where("subject = ? AND client_id = ? AND used_at = 0", w.Subject, w.ClientID).Exec(ctx))
		if err != nil {
			return err
		}
		grants, err := endGrants(ctx, tx, devices.ReasonConsentWithdrawn, w.At, func(q *bun.UpdateQuery) *bun.UpdateQuery {
			return q.Where("subject = ? AND client_id = ?", w.Subject, w.ClientID)
		})
		switch {
		case err != nil:
			return err
		case consents+codes == 0 && len(grants) == 0:
			return devices.ErrNotFound
		}
		return c.Tell(ctx, tell(grants)...)
	})
	if err != nil {
		return fmt.Errorf("withdraw the consent to %s: %w", w.ClientID, err)
	}
	return nil
}
