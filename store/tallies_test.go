package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
	"github.com/lanyard-id/lanyard/webui/records"
)

func TestTallies(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { tallies(t, open(t, sqlitetest.Fresh(t))) })
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
	latest, err := s.FindEvents(ctx, records.EventQuery{Limit: 1})
	if err != nil || len(latest) != 1 || latest[0].ID != "3" {
		t.Error(latest, err)
	}
	for want, q := range map[string]records.EventQuery{
		"321": {}, "21": {Before: latest[0]}, "1": {Before: devices.Event{ID: "2", At: today}}, "3": {From: today.Add(time.Second)},
		"21 ": {To: today.Add(time.Second)}, "": {Subject: "a\x00b"}, " ": {Type: "x", ClientID: "y", DeviceID: "z"},
	} {
		q.Limit = 5
		found, err := s.FindEvents(ctx, q)
		var ids string
		for _, e := range found {
			ids += e.ID
		}
		if ids != strings.TrimSpace(want) || err != nil {
			t.Errorf("%+v finds %q, want %q: %v", q, ids, want, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { answers(t, open(t, sqlitetest.Fresh(t))) })
	t.Run("postgres", func(t *testing.T) { answers(t, open(t, pgtest.Fresh(t))) })
}

// answers: what counts is the first word on the device after the doubt, of
// the owner. An operator who ends a device is no owner.
func answers(t *testing.T, s *store.Store) {
	ctx, today := t.Context(), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	n := 0
	id := func() string { n++; return string(rune('a' + n)) }
	judged := func(device string, at time.Time, d devices.Decision) devices.Judgment {
		return devices.Judgment{
			ID: id(), Subject: "ada", DeviceID: device,
			Sighting: devices.Sighting{At: at}, Verdict: devices.Verdict{Decision: d},
		}
	}
	said := func(device string, at time.Time, what devices.EventType, why ...devices.Reason) devices.Event {
		return devices.Event{ID: id(), Type: what, At: at, Subject: "ada", DeviceID: device, Reasons: why}
	}
	hour := func(h int) time.Time { return today.Add(time.Duration(h) * time.Hour) }
	const mine, ended = devices.EventDeviceAcknowledged, devices.EventDeviceRevoked
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		for _, j := range []devices.Judgment{
			judged("mine", hour(-2), devices.Flag), judged("mine", hour(1), devices.Refuse), // the second is after the word
			judged("mine then lost", hour(1), devices.StepUp),
			judged("not mine", hour(1), devices.Refuse), judged("not mine", hour(2), devices.Refuse),
			judged("the operator's", hour(1), devices.Flag),
			judged("signed out", hour(1), devices.Flag), judged("renamed", hour(1), devices.Flag),
			judged("", hour(1), devices.Refuse), judged("not mine", hour(1), devices.Allow),
			judged("mine", hour(-48), devices.Flag), // too long ago
		} {
			if err := tx.Record(ctx, j); err != nil {
				return err
			}
		}
		return tx.Tell(ctx,
			said("mine", hour(0), mine),
			said("mine then lost", hour(2), mine), said("mine then lost", hour(3), ended, devices.ReasonOwner),
			said("not mine", hour(2), ended, devices.ReasonNotMe), said("the operator's", hour(3), ended, devices.ReasonOperator),
			said("signed out", hour(2), ended, devices.ReasonLogout), said("renamed", hour(2), devices.EventDeviceRenamed),
			said("", hour(2), mine))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []records.Answer{
		{Day: today.Add(-24 * time.Hour), Outcome: records.OutcomeFalseAlarm, Count: 1},
		{Day: today, Outcome: records.OutcomeConfirmed, Count: 2},
		{Day: today, Outcome: records.OutcomeFalseAlarm, Count: 1},
	}
	got, err := s.Answers(ctx, today.Add(-24*time.Hour))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
