package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// slowEvent lets a change take its time while another subject's commits: who
// reads on from where they were must hear of both, once.
func slowEvent(t *testing.T, s Store) {
	ctx := t.Context()
	told, release := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		err := s.Change(ctx, "slow", func(tx devices.Tx) error {
			err := tx.Tell(ctx, devices.Event{ID: "slow", Subject: "slow"})
			close(told)
			<-release
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-told
	both.Go(func() {
		if err := s.Change(ctx, "fast", func(tx devices.Tx) error {
			return tx.Tell(ctx, devices.Event{ID: "fast", Subject: "fast"})
		}); err != nil {
			t.Error(err)
		}
	})
	heard := map[string]int{}
	cursor := ""
	read := func(ctx context.Context) {
		page, err := s.EventsAfter(ctx, cursor, 0)
		if ctx.Err() != nil {
			return // the slow one has the only connection
		}
		good(t, err)
		for _, e := range page.Events {
			heard[e.ID]++
		}
		cursor = page.Next
	}
	for range 10 {
		brief, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		read(brief)
		cancel()
		time.Sleep(5 * time.Millisecond) // the fast one commits meanwhile, if it can
	}
	close(release)
	both.Wait()
	read(ctx)
	if heard["slow"] != 1 || heard["fast"] != 1 {
		t.Errorf("heard %v, want both once", heard)
	}
}

// orderedEvents has many changes number the events of a few subjects, while a
// reader follows: it must hear every number, in order.
func orderedEvents(t *testing.T, s Store) {
	ctx := t.Context()
	const subjects, writers, each = 3, 8, 12
	number := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				subject := fmt.Sprint("subject", (w+i)%subjects)
				err := s.Change(ctx, subject, func(tx devices.Tx) error {
					// The lock of the subject is held: the next number is ours.
					mu.Lock()
					number[subject]++
					n := number[subject]
					mu.Unlock()
					return tx.Tell(ctx, devices.Event{ID: fmt.Sprint(n), Subject: subject},
						devices.Event{ID: "beside", Subject: subject})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	heard, last, cursor := 0, map[string]int{}, ""
	for over := false; !over; {
		select {
		case <-done:
			over = true // one more look
		default:
		}
		for {
			page, err := s.EventsAfter(ctx, cursor, 7)
			good(t, err)
			cursor = page.Next
			for _, e := range page.Events {
				heard++
				if e.ID == "beside" {
					continue
				}
				if last[e.Subject]++; e.ID != fmt.Sprint(last[e.Subject]) {
					t.Fatalf("heard number %s of %s, want %d", e.ID, e.Subject, last[e.Subject])
				}
			}
			if len(page.Events) == 0 {
				break
			}
		}
	}
	if heard != 2*writers*each {
		t.Errorf("heard %d of %d events", heard, 2*writers*each)
	}
}

func cursors(t *testing.T, s Store) {
	ctx := t.Context()
	page, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	same(t, "page of nothing", page, devices.EventPage{Events: []devices.Event{}})
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error {
		return tx.Tell(ctx, devices.Event{ID: "1", Subject: "ada"}, devices.Event{ID: "2", Subject: "ada"})
	}))
	first, err := s.EventsAfter(ctx, "", 1)
	good(t, err)
	second, err := s.EventsAfter(ctx, first.Next, 1)
	good(t, err)
	end, err := s.EventsAfter(ctx, second.Next, 1)
	good(t, err)
	if len(first.Events) != 1 || len(second.Events) != 1 || second.Events[0].ID != "2" ||
		len(end.Events) != 0 || end.Next != second.Next {
		t.Errorf("pages of one: %+v, %+v, %+v", first, second, end)
	}
	for _, bad := range []string{"x", "1", "1.2", "1..2", "1.2.3x", "1.2.3.4", " 1.2.3", "01.2.3", "' OR 1=1", "\x00"} {
		if _, err := s.EventsAfter(ctx, bad, 0); !errors.Is(err, devices.ErrInvalid) {
			t.Errorf("cursor %q: got %v, want %v", bad, err, devices.ErrInvalid)
		}
	}
}

func pages(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	const rows = 12
	for i := range rows {
		when := noon.Add(time.Duration(i/3) * time.Minute) // three at each time
		good(t, s.Change(ctx, "ada", func(tx devices.Tx) error {
			return tx.Record(ctx, devices.Judgment{
				ID: rand.Text(), Subject: "ada", DeviceID: "laptop", GrantID: "shop", Sighting: devices.Sighting{At: when},
			})
		}))
		g := grantOf("ada", "laptop")
		g.CreatedAt = when
		good(t, s.OpenGrant(ctx, g))
		good(t, s.CreateClient(ctx, client(rand.Text())))
		good(t, s.CreateUser(ctx, user(rand.Text())))
	}
	paged(t, "history", rows, func(p devices.Page) ([]string, error) {
		list, err := s.History(ctx, "ada", "laptop", p)
		return ids(list, func(j devices.Judgment) string { return j.ID }), err
	})
	paged(t, "history of a grant", rows, func(p devices.Page) ([]string, error) {
		list, err := s.GrantHistory(ctx, "shop", p)
		return ids(list, func(j devices.Judgment) string { return j.ID }), err
	})
	paged(t, "grants", rows, func(p devices.Page) ([]string, error) {
		list, err := s.FindGrants(ctx, devices.GrantQuery{Subject: "ada", DeviceID: "laptop", ClientID: "editor", Page: p})
		return ids(list, func(g devices.Grant) string { return g.ID }), err
	})
	paged(t, "clients", rows, func(p devices.Page) ([]string, error) {
		list, err := s.Clients(ctx, p)
		return ids(list, clientID), err
	})
	paged(t, "users", rows, func(p devices.Page) ([]string, error) {
		list, err := s.ListUsers(ctx, p)
		return ids(list, userID), err
	})
}

// paged reads a list whole and in parts, which must be the same.
func paged(t *testing.T, what string, rows int, read func(devices.Page) ([]string, error)) {
	t.Helper()
	whole, err := read(devices.Page{})
	good(t, err)
	if len(whole) != rows {
		t.Errorf("%s: %d rows, want %d", what, len(whole), rows)
	}
	var parts []string
	for p := (devices.Page{Limit: 5}); ; {
		part, err := read(p)
		good(t, err)
		if len(part) > 5 {
			t.Errorf("%s: %d rows in a page of 5", what, len(part))
		}
		parts = append(parts, part...)
		if len(part) == 0 {
			break
		}
		p.After = part[len(part)-1]
	}
	same(t, what+" in pages", parts, whole)
}

func ids[T any](list []T, id func(T) string) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = id(v)
	}
	return all
}

// firstEvents has several changes meet each new subject at once. Which of them
// creates it says nothing about their order.
func firstEvents(t *testing.T, s Store) {
	ctx := t.Context()
	const subjects, each = 60, 8
	for i := range subjects {
		subject, n := fmt.Sprint("subject", i), 0
		at(each, func(int) {
			err := s.Change(ctx, subject, func(tx devices.Tx) error {
				n++ // under the lock of the subject
				return tx.Tell(ctx, devices.Event{ID: fmt.Sprint(n), Subject: subject})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	page, err := s.EventsAfter(ctx, "", 500)
	good(t, err)
	if len(page.Events) != subjects*each {
		t.Fatalf("heard %d of %d events", len(page.Events), subjects*each)
	}
	last := map[string]int{}
	for _, e := range page.Events {
		if last[e.Subject]++; e.ID != fmt.Sprint(last[e.Subject]) {
			t.Errorf("heard number %s of %s, want %d", e.ID, e.Subject, last[e.Subject])
		}
	}
}
