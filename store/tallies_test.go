package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/webui/records"
)

func TestTallies(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { tallies(t, open(t, migratedSQLite(t))) })
	t.Run("postgres", func(t *testing.T) { tallies(t, open(t, pgtest.Fresh(t))) })
}

func tallies(t *testing.T, s *store.Store) {
	ctx, today := t.Context(), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		for i, j := range []struct {
			at       time.Time
			decision devices.Decision
		}{
			{today.Add(-time.Second), devices.Flag}, {today, devices.Refuse}, {today.Add(time.Hour), devices.Refuse},
			{today.Add(time.Hour), devices.Allow}, {today.Add(-48 * time.Hour), devices.Allow},
		} {
			if err := tx.Record(ctx, devices.Judgment{
				ID: string(rune('a' + i)), Subject: "ada", DeviceID: "laptop",
				Sighting: devices.Sighting{At: j.at}, Verdict: devices.Verdict{Decision: j.decision},
			}); err != nil {
				return err
			}
		}
		return tx.Tell(ctx, devices.Event{ID: "1", At: today}, devices.Event{ID: "2", At: today.Add(1)},
			devices.Event{ID: "3", At: today.Add(time.Second)})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []records.Tally{
		{Day: today.Add(-24 * time.Hour), Decision: "flag", Count: 1},
		{Day: today, Decision: "allow", Count: 1}, {Day: today, Decision: "refuse", Count: 2},
	}
	got, err := s.Tallies(ctx, today.Add(-24*time.Hour))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	latest, err := s.LatestEvents(ctx, 1)
	if err != nil || len(latest) != 1 || latest[0].ID != "3" {
		t.Error(latest, err)
	}
}
