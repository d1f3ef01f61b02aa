package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

var errOnPurpose = errors.New("on purpose")

func failedChange(t *testing.T, s Store) {
	ctx := t.Context()
	before := enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		changed := before
		changed.Name = "changed"
		_, err := tx.EndGrants(ctx, devices.Selection{}, devices.ReasonOwner, noon)
		return errors.Join(err,
			tx.Put(ctx, changed),
			tx.Put(ctx, devices.Device{ID: "phone", Subject: "ada", State: devices.StateActive}),
			tx.Record(ctx, devices.Judgment{ID: "j", Subject: "ada", DeviceID: "laptop"}),
			tx.Tell(ctx, devices.Event{ID: "e", Subject: "ada"}),
			errOnPurpose)
	})
	if !errors.Is(err, errOnPurpose) {
		t.Errorf("change: got %v, want the error of its function", err)
	}
	if errors.Is(err, devices.ErrInvalid) || errors.Is(err, devices.ErrExists) {
		t.Fatalf("change failed too early: %v", err)
	}
	list, err := s.Devices(ctx, "ada")
	good(t, err)
	before.LastSeen = g.RotatedAt
	same(t, "devices", list, []devices.Device{before})
	same(t, "grant", holding(t, s, g.ID), g)
	history, err := s.History(ctx, "ada", "laptop", devices.Page{})
	good(t, err)
	same(t, "history", history, []devices.Judgment{})
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	same(t, "events", told.Events, []devices.Event{})
}

// queuedChanges counts by reading and writing: where two changes overlap, one
// count is lost. The subject is new to all of them.
func queuedChanges(t *testing.T, s Store) {
	ctx := t.Context()
	const writers = 40
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			err := s.Change(ctx, "ada", func(tx devices.Tx) error {
				known, err := tx.Devices(ctx)
				if err != nil {
					return err
				}
				d := devices.Device{ID: "laptop", Subject: "ada", Name: "0", State: devices.StateActive}
				if len(known) > 0 {
					d = known[0]
				}
				n, err := strconv.Atoi(d.Name)
				d.Name = strconv.Itoa(n + 1)
				return errors.Join(err, tx.Put(ctx, d))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	d, err := s.Device(ctx, "ada", "laptop")
	good(t, err)
	if d.Name != strconv.Itoa(writers) {
		t.Errorf("%d changes counted %s", writers, d.Name)
	}
}

func cancelled(t *testing.T, s Store) {
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		err := tx.Put(ctx, devices.Device{ID: "phone", Subject: "ada"})
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled change: got %v", err)
	}
	if _, err := s.Rotate(ctx, next(g)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled rotation: got %v", err)
	}
	if _, err := s.Holding(ctx, g.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled read: got %v", err)
	}
	_, err = s.Device(t.Context(), "ada", "phone")
	missing(t, "device of a cancelled change", err)
	same(t, "grant", holding(t, s, g.ID), g)
}

func foreign(t *testing.T, s Store) {
	ctx := t.Context()
	ada := enrolled(t, s, "ada", "laptop")
	enrolled(t, s, "eve", "phone")
	g := opened(t, s, "ada", "laptop")
	_, err := s.Device(ctx, "eve", "laptop")
	missing(t, "another subject's device", err)
	_, err = s.Device(ctx, "ada", "unknown")
	missing(t, "unknown device", err)
	_, err = s.History(ctx, "eve", "laptop", devices.Page{})
	missing(t, "history of another subject's device", err)

	err = s.Change(ctx, "eve", func(tx devices.Tx) error {
		return tx.Put(ctx, devices.Device{ID: "laptop", Subject: "eve", State: devices.StateRevoked})
	})
	if !errors.Is(err, devices.ErrExists) {
		t.Errorf("taking another subject's device ID: got %v, want %v", err, devices.ErrExists)
	}
	err = s.Change(ctx, "eve", func(tx devices.Tx) error {
		stolen := ada
		stolen.Name = "changed"
		return tx.Put(ctx, stolen)
	})
	if !errors.Is(err, devices.ErrInvalid) {
		t.Errorf("putting another subject's device: got %v, want %v", err, devices.ErrInvalid)
	}
	for _, aim := range []devices.Selection{{DeviceID: "laptop"}, {GrantID: g.ID}, {}} {
		good(t, s.Change(ctx, "eve", func(tx devices.Tx) error {
			ended, err := tx.EndGrants(ctx, aim, devices.ReasonOwner, noon)
			if len(ended) != 0 {
				t.Errorf("ended another subject's grants by %+v", aim)
			}
			return err
		}))
	}
	same(t, "grant", holding(t, s, g.ID), g)
}

// exactCap enrolls on many devices at once, through the registry.
func exactCap(t *testing.T, s Store) {
	const sightings, most = 50, 5
	rules := devices.DefaultRules()
	rules.MaxPerSubject, rules.MaxNewPerHour = most, 0
	r := devices.Registry{
		Store: s, Policy: devices.DefaultPolicy(), Rules: rules,
		Now: func() time.Time { return noon }, NewID: rand.Text,
	}
	var all sync.WaitGroup
	for i := range sightings {
		all.Go(func() {
			at := noon.Add(time.Duration(i) * time.Second)
			if _, err := r.Enroll(t.Context(), "ada", devices.Sighting{At: at}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	known, err := s.Devices(t.Context(), "ada")
	good(t, err)
	live := 0
	for _, d := range known {
		if d.Live() {
			live++
		}
	}
	if len(known) != sightings || live != most {
		t.Errorf("%d enrolments under a cap of %d: %d devices, %d live", sightings, most, len(known), live)
	}
}

func lastSeen(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	enrolled(t, s, "ada", "phone")
	opened(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	r := next(g)
	r.At = noon.Add(3 * time.Hour)
	r.IdleUntil = noon.Add(5 * time.Hour)
	if moved, err := s.Rotate(ctx, r); !moved || err != nil {
		t.Fatal(moved, err)
	}
	want := map[string]time.Time{"laptop": r.At, "phone": noon}
	check := func(how string, list []devices.Device, err error) {
		good(t, err)
		for _, d := range list {
			if !d.LastSeen.Equal(want[d.ID]) {
				t.Errorf("%s: %s last seen %v, want %v", how, d.ID, d.LastSeen, want[d.ID])
			}
		}
		if len(list) != 2 {
			t.Errorf("%s: %d devices", how, len(list))
		}
	}
	list, err := s.Devices(ctx, "ada")
	check("list", list, err)
	list, err = s.FindDevices(ctx, devices.DeviceQuery{})
	check("search", list, err)
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error {
		list, err := tx.Devices(ctx)
		check("within a change", list, err)
		// A sign-in after the last rotation is what counts from then on.
		want["laptop"] = noon.Add(9 * time.Hour)
		list[0].LastSeen = want["laptop"]
		if list[0].ID != "laptop" {
			t.Error("devices are not oldest first")
		}
		return tx.Put(ctx, list[0])
	}))
	list, err = s.Devices(ctx, "ada")
	check("after a sign-in", list, err)
}
