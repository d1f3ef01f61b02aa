package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

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

// answeredText finds the doubts whose device the owner said something about, and
// what they said first. A sign-out, the limit of devices and an operator's end
// are no word on it, and neither is what comes after the device has ended. It begins with what was
// said, of which there is little, however many doubts there are.
const answeredText = `SELECT j.at / ?0 AS day, CASE e.type
 WHEN 'device.acknowledged' THEN 'false_alarm' ELSE 'confirmed' END AS outcome, count(*) AS count
 FROM events AS e JOIN judgments AS j ON j.device_id = e.device_id AND j.at <= e.at
 WHERE e.at >= ?1 AND j.at >= ?1 AND j.decision <> 'allow' AND e.device_id <> ''
 AND e.type IN ('device.acknowledged', 'device.revoked')
 AND (e.type = 'device.acknowledged' OR e.reasons LIKE '%"revoked_by_owner"%'
 OR e.reasons LIKE '%"not_me"%')
 AND NOT EXISTS (SELECT 1 FROM events AS p WHERE p.device_id = j.device_id AND p.at >= j.at AND p.at < e.at
 AND p.type IN ('device.acknowledged', 'device.revoked'))
 GROUP BY 1, 2 ORDER BY 1, 2`

// Answers returns how many judgments that were no plain allow were answered how,
// since a time, by day (UTC) of the judgment and outcome.
func (s *Store) Answers(ctx context.Context, since time.Time) ([]records.Answer, error) {
	var rows []struct {
		Day     int64
		Outcome string
		Count   int
	}
	if err := s.read.NewRaw(answeredText, dayLength, at(since)).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("count answered doubts: %w", err)
	}
	list := make([]records.Answer, len(rows))
	for i, r := range rows {
		list[i] = records.Answer{Day: dayOf(r.Day), Outcome: records.Outcome(r.Outcome), Count: r.Count}
	}
	return list, nil
}

// dayLength is a day as times are kept.
const dayLength = int64(24 * time.Hour / time.Microsecond)

func dayOf(n int64) time.Time { return micros(n * dayLength).time() }

// FindEvents returns the newest told facts that a query is about, newest first.
func (s *Store) FindEvents(ctx context.Context, q records.EventQuery) ([]devices.Event, error) {
	var rows []eventRow
	find := s.read.NewSelect().Model(&rows).OrderExpr("at DESC, id DESC").Limit(int64(q.Limit))
	for column, value := range map[string]string{
		"type": string(q.Type), "subject": q.Subject, "device_id": q.DeviceID, "client_id": q.ClientID,
	} {
		if !clean(value) {
			return nil, nil // the database holds no such text
		}
		if value != "" {
			find = find.Where("? = ?", bun.Ident(column), value)
		}
	}
	if !q.From.IsZero() {
		find = find.Where("at >= ?", at(q.From))
	}
	if !q.To.IsZero() {
		find = find.Where("at < ?", at(q.To))
	}
	if q.Before.ID != "" {
		find = find.Where("at <= ? AND (at < ? OR id < ?)", at(q.Before.At), at(q.Before.At), q.Before.ID)
	}
	if err := find.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	list := make([]devices.Event, len(rows))
	for i := range rows {
		list[i] = rows[i].event()
	}
	return list, nil
}
