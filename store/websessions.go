package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

type webSessionRow struct {
	bun.BaseModel `bun:"table:web_sessions,alias:w"`

	AuthTime   micros `bun:"auth_time"`
	CreatedAt  micros `bun:"created_at"`
	IdleUntil  micros `bun:"idle_until"`
	NotAfter   micros `bun:"not_after"`
	ID         string `bun:"id,pk"`
	Subject    string `bun:"subject"`
	DeviceID   string `bun:"device_id"`
	Issuer     string `bun:"issuer"`
	SID        string `bun:"sid"`
	Name       string `bun:"name"`
	SecretHash []byte `bun:"secret_hash"`

	SignInEnded bool `bun:"sign_in_ended,scanonly"`
}

// webSessionsText sweeps sessions past their end; see sweep.go.
const webSessionsText = `DELETE FROM web_sessions WHERE id IN
 (SELECT id FROM web_sessions WHERE not_after <= ?0 LIMIT ?1)`

// OpenWebSession adds a session of the pages if its device and subject are
// good at that moment, and the sign-in of this server that it hangs on, if it
// does, has not ended, and reports whether they were.
func (s *Store) OpenWebSession(ctx context.Context, w records.Session) (bool, error) {
	if err := writable(w); err != nil {
		return false, err
	}
	opened := false
	err := s.inSubject(ctx, w.Subject, func(tx bun.Tx) error {
		var by devices.Credential
		if w.Issuer == "" {
			by.SignIn = w.SID
		}
		ok, err := goodBy(ctx, tx, w.Subject, w.DeviceID, by)
		opened = ok
		if err != nil || !ok {
			return err
		}
		return s.insert(ctx, tx, &webSessionRow{
			AuthTime: at(w.AuthTime), CreatedAt: at(w.CreatedAt), IdleUntil: at(w.IdleUntil),
			NotAfter: at(w.NotAfter), ID: w.ID, Subject: w.Subject, DeviceID: w.DeviceID,
			Issuer: w.Issuer, SID: w.SID, Name: w.Name, SecretHash: w.SecretHash,
		})
	})
	if err != nil {
		return false, fmt.Errorf("open web session: %w", err)
	}
	return opened, nil
}

// WebSession returns a session of the pages, or devices.ErrNotFound. It tells
// whether the sign-in of this server that it hangs on has ended.
func (s *Store) WebSession(ctx context.Context, id string) (records.Session, error) {
	var r webSessionRow
	query := s.read.NewSelect().Model(&r).ColumnExpr("w.*").ColumnExpr(
		"w.issuer = '' AND NOT EXISTS (SELECT 1 FROM sign_ins AS i WHERE i.id = w.sid AND i.ended_at = 0) AS sign_in_ended").
		Where("w.id = ?", id)
	if err := one(ctx, query, id); err != nil {
		return records.Session{}, fmt.Errorf("read web session: %w", err)
	}
	return records.Session{
		ID: r.ID, SecretHash: r.SecretHash, Subject: r.Subject, DeviceID: r.DeviceID,
		Issuer: r.Issuer, SID: r.SID, Name: r.Name, AuthTime: r.AuthTime.time(),
		CreatedAt: r.CreatedAt.time(), IdleUntil: r.IdleUntil.time(), NotAfter: r.NotAfter.time(),
		SignInEnded: r.SignInEnded,
	}, nil
}

// ExtendWebSession moves the idle end of a session onward. One that is gone
// stays gone.
func (s *Store) ExtendWebSession(ctx context.Context, id string, idleUntil time.Time) error {
	if !clean(id) {
		return nil
	}
	_, err := s.write.NewUpdate().Model((*webSessionRow)(nil)).Set("idle_until = ?", at(idleUntil)).
		Where("id = ? AND idle_until < ?", id, at(idleUntil)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("extend web session: %w", err)
	}
	return nil
}

// EndWebSession ends a session of the pages. Ending one that has ended is no
// error.
func (s *Store) EndWebSession(ctx context.Context, id string) error {
	if !clean(id) {
		return nil
	}
	if _, err := s.write.NewDelete().Model((*webSessionRow)(nil)).Where("id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("end web session: %w", err)
	}
	return nil
}

// Holders returns which clients hold live grants on the devices of a subject,
// by device and client.
func (s *Store) Holders(ctx context.Context, subject string, now time.Time) ([]records.Holder, error) {
	if !clean(subject) {
		return nil, nil
	}
	name := "json_extract(c.data, '$.client_name')"
	if s.pg {
		name = "c.data::json ->> 'client_name'"
	}
	var list []records.Holder
	err := s.read.NewSelect().
		ColumnExpr("h.device_id, h.client_id, h.grants").ColumnExpr("COALESCE("+name+", '') AS client_name").
		TableExpr(`(SELECT g.device_id, g.client_id, count(*) AS grants FROM grants AS g
 WHERE g.subject = ?0 AND g.device_id <> '' AND g.revoked_at = 0
 AND (g.not_after = 0 OR g.not_after > ?1) AND (g.idle_until = 0 OR g.idle_until > ?1)
 GROUP BY g.device_id, g.client_id) AS h`, subject, at(now)).
		Join("LEFT JOIN clients AS c ON c.id = h.client_id").
		OrderExpr("h.device_id, h.client_id").Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("list holders: %w", err)
	}
	return list, nil
}

// DeviceGrants returns the grants on a device of a subject, ended ones too,
// newest first, with their clients as they are now.
func (s *Store) DeviceGrants(
	ctx context.Context, subject, deviceID string, p devices.Page,
) ([]records.Grant, error) {
	return s.grantsWithClients(ctx, devices.GrantQuery{Subject: subject, DeviceID: deviceID, Page: p})
}

// ClientGrants returns the grants of a client that a subject gave, ended ones
// too, newest first, with the client as it is now.
func (s *Store) ClientGrants(
	ctx context.Context, subject, clientID string, p devices.Page,
) ([]records.Grant, error) {
	return s.grantsWithClients(ctx, devices.GrantQuery{Subject: subject, ClientID: clientID, Page: p})
}

func (s *Store) grantsWithClients(ctx context.Context, q devices.GrantQuery) ([]records.Grant, error) {
	found, err := s.FindGrants(ctx, q)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, g := range found {
		ids[i] = g.ClientID
	}
	var rows []clientRow
	err = s.read.NewSelect().Model(&rows).ModelTableExpr("clients AS c").ColumnExpr("c.*").ColumnExpr(
		"EXISTS (SELECT 1 FROM consents AS k WHERE k.subject = ? AND k.client_id = c.id) AS consented", found[0].Subject).
		Where("c.id IN ?", bun.Tuple(ids)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the clients of grants: %w", err)
	}
	list := make([]records.Grant, len(found))
	for i, g := range found {
		list[i].Grant = g
		for _, row := range rows {
			if c := row.client(); c.ID == g.ClientID {
				list[i].ClientName, list[i].Scopes, list[i].Consented = c.Name, left(g.Scopes, c.Scope), row.Consented
				list[i].Verifiable = verifiable(c.AccessToken, c.AccessTTL)
			}
		}
	}
	return list, nil
}

// verifiable returns how long tokens live that need no introspection, -1
// where the client leaves that to the server, and 0 for opaque ones.
func verifiable(strategy, ttl string) time.Duration {
	if strategy != "jwt" {
		return 0
	}
	if d, err := time.ParseDuration(ttl); err == nil {
		return d
	}
	return -1
}
