package store

import (
	"context"

	"github.com/uptrace/bun"
)

// Tell has every query that reads told to a test.
func (s *Store) Tell(told func(query string)) { s.read = s.read.WithQueryHook(teller(told)) }

type teller func(query string)

func (teller) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (t teller) AfterQuery(_ context.Context, e *bun.QueryEvent) { t(e.Query) }
