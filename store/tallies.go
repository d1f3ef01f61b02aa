package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Tallies returns how many judgments ended in which decision since a time, by
// day (UTC) and decision. Plain refreshes leave no judgment and are not among
// them.
func (s *Store) Tallies(ctx context.Context, since time.Time) ([]records.Tally, error) {
	decision := "json_extract(NULLIF(verdict, ''), '$.decision')"
	if s.pg {
		decision = "NULLIF(verdict, '')::json ->> 'decision'"
	}
	decision = "COALESCE(" + decision + ", 'refuse')" // the zero verdict is kept as nothing
	var rows []struct {
		Day      int64
		Decision string
		Count    int
	}
	const day = int64(24 * time.Hour / time.Microsecond)
	err := s.read.NewSelect().Table("judgments").
		ColumnExpr("at / ? AS day", day).ColumnExpr(decision+" AS decision").ColumnExpr("count(*) AS count").
		Where("at >= ?", at(since)).GroupExpr("1, 2").OrderExpr("1, 2").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count judgments: %w", err)
	}
	list := make([]records.Tally, len(rows))
	for i, r := range rows {
		list[i] = records.Tally{Day: micros(r.Day * day).time(), Decision: r.Decision, Count: r.Count}
	}
	return list, nil
}

// LatestEvents returns the newest told facts, newest first.
func (s *Store) LatestEvents(ctx context.Context, limit int) ([]devices.Event, error) {
	var rows []eventRow
	err := s.read.NewSelect().Model(&rows).OrderExpr("at DESC").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	list := make([]devices.Event, len(rows))
	for i := range rows {
		list[i] = rows[i].event()
	}
	return list, nil
}
