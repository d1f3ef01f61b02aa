package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

type clientRow struct {
	bun.BaseModel `bun:"table:clients"`

	ID         string               `bun:"id,pk"`
	Version    int64                `bun:"version"`
	CreatedAt  micros               `bun:"created_at"`
	UpdatedAt  micros               `bun:"updated_at"`
	SecretHash string               `bun:"secret_hash"`
	Data       packed[oauth.Client] `bun:"data"`

	// Consented reports that the subject of a query has consented to the client.
	Consented bool `bun:"consented,scanonly"`
}

func clientRowOf(c oauth.Client) *clientRow {
	row := &clientRow{
		ID: c.ID, Version: c.Version, CreatedAt: at(c.CreatedAt), UpdatedAt: at(c.UpdatedAt),
		SecretHash: c.SecretHash,
	}
	c.Secret = "" // is never kept
	row.Data = pack(c)
	return row
}

func (r *clientRow) client() oauth.Client {
	c := r.Data.V
	c.ID, c.Version, c.SecretHash = r.ID, r.Version, r.SecretHash
	c.CreatedAt, c.UpdatedAt = r.CreatedAt.time(), r.UpdatedAt.time()
	return c
}

// Client returns a client, or devices.ErrNotFound.
func (s *Store) Client(ctx context.Context, id string) (oauth.Client, error) {
	var row clientRow
	if err := one(ctx, s.read.NewSelect().Model(&row).Where("id = ?", id), id); err != nil {
		return oauth.Client{}, fmt.Errorf("read client: %w", err)
	}
	return row.client(), nil
}

// Clients returns clients by ID, a page at a time.
func (s *Store) Clients(ctx context.Context, p devices.Page) ([]oauth.Client, error) {
	if !clean(p.After) {
		return nil, nil
	}
	var rows []clientRow
	err := s.read.NewSelect().Model(&rows).Where("id > ?", p.After).Order("id").Limit(limit(p)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	list := make([]oauth.Client, len(rows))
	for i := range rows {
		list[i] = rows[i].client()
	}
	return list, nil
}

// CreateClient adds a client, or returns devices.ErrExists.
func (s *Store) CreateClient(ctx context.Context, c oauth.Client) error {
	if err := writable(c); err != nil {
		return err
	}
	if err := s.insert(ctx, s.write, clientRowOf(c)); err != nil {
		return fmt.Errorf("create client %s: %w", c.ID, err)
	}
	return nil
}

// UpdateClient replaces a client if it still has the version of c, gives it
// the next one, and reports whether it had. Its creation time stays.
func (s *Store) UpdateClient(ctx context.Context, c oauth.Client) (bool, error) {
	if err := writable(c); err != nil {
		return false, err
	}
	rows, err := affected(s.write.NewUpdate().Model(clientRowOf(c)).
		Column("updated_at", "secret_hash", "data").Set("version = version + 1").
		WherePK().Where("version = ?", c.Version).Exec(ctx))
	if err != nil {
		return false, fmt.Errorf("update client %s: %w", c.ID, err)
	}
	return rows == 1, nil
}

// DeleteClient removes a client with its codes and what was consented to it,
// and revokes its grants, or returns devices.ErrNotFound. None opens meanwhile
// or after.
func (s *Store) DeleteClient(ctx context.Context, id string, when time.Time) error {
	if !clean(id) {
		return devices.ErrNotFound
	}
	err := s.inTx(ctx, func(tx bun.Tx) error {
		if err := s.lockClient(ctx, tx, id, "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))"); err != nil {
			return err
		}
		if err := s.lockHolders(ctx, tx, id); err != nil {
			return err
		}
		rows, err := affected(tx.NewDelete().Model((*clientRow)(nil)).Where("id = ?", id).Exec(ctx))
		if err != nil {
			return err
		}
		if rows == 0 {
			return devices.ErrNotFound
		}
		for _, of := range []any{(*consentRow)(nil), (*codeRow)(nil)} {
			if _, err := tx.NewDelete().Model(of).Where("client_id = ?", id).Exec(ctx); err != nil {
				return err
			}
		}
		grants, err := endGrants(ctx, tx, devices.ReasonOperator, when,
			func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Where("client_id = ?", id) })
		if err != nil {
			return err
		}
		return tell(ctx, tx, ended(grants, devices.ReasonOperator, when, devices.ActorOperator)...)
	})
	if err != nil {
		return fmt.Errorf("delete client %s: %w", id, err)
	}
	return nil
}

// lockClient takes a lock by the client's name. It is not a lock of its row:
// those draw the transaction's number, which must not be before the subjects'
// locks are held (see lock).
func (s *Store) lockClient(ctx context.Context, tx bun.Tx, id, statement string) error {
	if !s.pg {
		return nil
	}
	if _, err := tx.Tx.ExecContext(ctx, statement, id); err != nil {
		return fmt.Errorf("lock client: %w", err)
	}
	return nil
}

// registered reports whether there is such a client. It is devices.ErrOutdated
// where it authenticates otherwise than as it was verified. A change of it waits
// for the transaction.
func (s *Store) registered(ctx context.Context, tx bun.Tx, id string, verified oauth.Client) (bool, error) {
	var row clientRow
	query := tx.NewSelect().Model(&row).Where("id = ?", id)
	if s.pg {
		query.For("SHARE")
	}
	switch err := one(ctx, query, id); {
	case errors.Is(err, devices.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read client: %w", err)
	case row.client().Credential() != verified.Credential():
		return false, devices.ErrOutdated
	}
	return true, nil
}

// lockHolders takes the locks of all subjects that hold live grants of a
// client, always in the same order.
func (s *Store) lockHolders(ctx context.Context, tx bun.Tx, clientID string) error {
	if !s.pg {
		return nil
	}
	var held []string
	return tx.NewSelect().Table("subjects").Column("id").
		Where("id IN (SELECT g.subject FROM grants AS g WHERE g.client_id = ? AND g.revoked_at = 0)", clientID).
		Order("id").For("UPDATE").Scan(ctx, &held)
}

// one scans the only row of a query, or returns devices.ErrNotFound. Keys are
// what it was asked by: those no database can hold are not found.
func one(ctx context.Context, query *bun.SelectQuery, keys ...string) error {
	if !clean(keys...) {
		return devices.ErrNotFound
	}
	err := query.Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return devices.ErrNotFound
	}
	return err
}

// insert adds a row, or returns devices.ErrExists.
func (s *Store) insert(ctx context.Context, db bun.IDB, row any) error {
	_, err := db.NewInsert().Model(row).Exec(ctx)
	if duplicate(err) {
		return devices.ErrExists
	}
	return err
}
