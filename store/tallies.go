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
	var rows []struct {
		Day      int64
		Decision string
		Count    int
	}
	err := s.read.NewSelect().Table("judgments").
		ColumnExpr("at / ? AS day", dayLength).Column("decision").ColumnExpr("count(*) AS count").
		Where("at >= ?", at(since)).GroupExpr("1, 2").OrderExpr("1, 2").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count judgments: %w", err)
	}
	list := make([]records.Tally, len(rows))
	for i, r := range rows {
		list[i] = records.Tally{Day: dayOf(r.Day), Decision: r.Decision, Count: r.Count}
	}
	return list, nil
}

// doubtsText finds for each doubt what was decided first about its device since.
// A sign-out and the limit of devices are no word on it, and neither is what
// comes after the device has ended.
const doubtsText = `SELECT o.at / ?0 AS day, o.outcome, count(*) AS count FROM
 (SELECT j.at, COALESCE((SELECT CASE WHEN e.type = 'device.acknowledged' THEN 'false_alarm'
 WHEN e.reasons LIKE '%"revoked_by_owner"%' OR e.reasons LIKE '%"revoked_by_operator"%' THEN 'confirmed'
 ELSE 'open' END
 FROM events AS e WHERE e.device_id = j.device_id AND e.at >= j.at AND e.device_id <> ''
 AND e.type IN ('device.acknowledged', 'device.revoked') ORDER BY e.at LIMIT 1), 'open') AS outcome
 FROM judgments AS j WHERE j.at >= ?1 AND j.decision <> 'allow') AS o
 GROUP BY 1, 2 ORDER BY 1, 2`

// Doubts returns how many judgments that were no plain allow had which outcome,
// since a time, by day (UTC) and outcome.
func (s *Store) Doubts(ctx context.Context, since time.Time) ([]records.Doubt, error) {
	var rows []struct {
		Day     int64
		Outcome string
		Count   int
	}
	if err := s.read.NewRaw(doubtsText, dayLength, at(since)).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("count doubts: %w", err)
	}
	list := make([]records.Doubt, len(rows))
	for i, r := range rows {
		list[i] = records.Doubt{Day: dayOf(r.Day), Outcome: records.Outcome(r.Outcome), Count: r.Count}
	}
	return list, nil
}

// dayLength is a day as times are kept.
const dayLength = int64(24 * time.Hour / time.Microsecond)

func dayOf(n int64) time.Time { return micros(n * dayLength).time() }

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
