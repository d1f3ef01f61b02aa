package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lanyard-id/lanyard/store/pgtest"
)

// attackers is how many requests of a flood are in flight at once.
const attackers = 64

// flood measures what sign-ins from many networks, and wrong secrets of one
// client from one address, do to refresh, introspection and revocation.
func flood(ctx context.Context, p plan) error {
	pg, err := pgtest.Launch(ctx, pgtest.Options{TCP: true, Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close() }() // it is thrown away
	database, err := pg.Migrated(ctx)
	if err != nil {
		return err
	}
	s, err := serve(ctx, database)
	if err != nil {
		return err
	}
	return errors.Join(flooded(ctx, p, s), s.stop())
}

func flooded(ctx context.Context, p plan, s *server) error {
	fmt.Printf("signing in %d times …\n", 2*p.grants)
	v := &victims{server: s}
	var err error
	if v.refresh, err = s.signIns(ctx, p.grants, "offline_access"); err != nil {
		return err
	}
	if v.revoke, err = s.signIns(ctx, p.grants, "offline_access"); err != nil {
		return err
	}
	phases := []*phase{
		{name: "idle"},
		{name: "sign-ins, many networks", attack: signInFlood},
		{name: "wrong secrets, one address", attack: secretFlood},
	}
	before := s.memory()
	for range p.rounds {
		for _, f := range phases {
			if err := f.run(ctx, v, p.slice); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	fmt.Printf("\n%-28s %21s %21s %21s %10s  %s\n%-28s %21s %21s %21s\n", "p50 ms, p99 ms, of idle p50",
		"refresh", "introspection", "revocation", "RSS MB", "answers to the flood", "", "", "", "")
	for _, f := range phases {
		fmt.Printf("%-28s", f.name)
		for i := range f.times {
			slices.Sort(f.times[i])
			p50, p99 := at(f.times[i], 50), at(f.times[i], 99)
			fmt.Printf(" %6.2f %7.2f %5.1fx", p50, p99, p50/at(phases[0].times[i], 50))
		}
		fmt.Printf(" %10d  %v\n", f.memory, &f.answers)
	}
	fmt.Printf("RSS before: %d MB, at most: %d MB\n", before, s.peak())
	return nil
}

func at(sorted []float64, percent int) float64 { return sorted[len(sorted)*percent/100] }

// phase is one kind of load, in several slices.
type phase struct {
	name    string
	attack  func(i int64) (target string, form url.Values, from string)
	times   [3][]float64 // milliseconds: refresh, introspection, revocation
	answers tally
	memory  int64 // the most, in MB, at the end of a slice
}

func (f *phase) run(ctx context.Context, v *victims, long time.Duration) error {
	attacked, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	if f.attack != nil {
		for range attackers {
			group.Go(func() { f.answers.fire(attacked, v.server, f.attack) })
		}
		time.Sleep(long / 4)
	}
	err := v.measure(ctx, long, &f.times)
	f.memory = max(f.memory, v.server.memory())
	stop()
	group.Wait()
	time.Sleep(long / 4)
	return err
}

// tally counts answers by status.
type tally struct {
	sent   atomic.Int64
	counts [600]atomic.Int64
}

// String lists the counts.
func (t *tally) String() string {
	var out []string
	for status := range t.counts {
		if n := t.counts[status].Load(); n > 0 {
			out = append(out, fmt.Sprintf("%d: %d", status, n))
		}
	}
	return strings.Join(out, ", ")
}

func (t *tally) fire(ctx context.Context, s *server, attack func(int64) (string, url.Values, string)) {
	for ctx.Err() == nil {
		target, form, from := attack(t.sent.Add(1))
		status, _, err := s.post(ctx, target, form, from)
		if err == nil {
			t.counts[status].Add(1)
		}
	}
}

// signInFlood comes from a network of its own each time.
func signInFlood(i int64) (string, url.Values, string) {
	return "/login", url.Values{"identifier": {fmt.Sprint("nobody", i)}, "password": {"a guess of twelve"}},
		fmt.Sprintf("%d.%d.%d.7", 100+i>>16&63, i>>8&255, i&255)
}

func secretFlood(i int64) (string, url.Values, string) {
	return "/oauth2/introspect", url.Values{
		"client_id": {benchResource}, "client_secret": {fmt.Sprint("a guess, number ", i)}, "token": {"x"},
	}, "203.0.113.7"
}

// victims are the requests whose time counts, one of each kind at a time.
type victims struct {
	server          *server
	refresh, revoke []string
	n               int
}

// measure spends that long on about fifty requests of each kind a second.
func (v *victims) measure(ctx context.Context, long time.Duration, times *[3][]float64) error {
	const from = "192.0.2.7"
	for start := time.Now(); time.Since(start) < long; time.Sleep(10 * time.Millisecond) {
		at := v.n % len(v.refresh)
		v.n++
		began := time.Now()
		access, next, err := v.renew(ctx, v.refresh[at], from)
		if err != nil {
			return err
		}
		times[0] = append(times[0], since(began))
		v.refresh[at] = next

		began = time.Now()
		status, body, err := v.server.post(ctx, "/oauth2/introspect", url.Values{
			"client_id": {benchResource}, "client_secret": {benchSecret}, "token": {access},
		}, from)
		if err != nil || status != http.StatusOK || !strings.Contains(string(body), `"active":true`) {
			return fmt.Errorf("introspect: %d, %s: %w", status, body, err)
		}
		times[1] = append(times[1], since(began))

		if access, v.revoke[at], err = v.renew(ctx, v.revoke[at], from); err != nil {
			return err
		}
		began = time.Now()
		status, body, err = v.server.post(ctx, "/oauth2/revoke",
			url.Values{"client_id": {benchClient}, "token": {access}}, from)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("revoke: %d, %s: %w", status, body, err)
		}
		times[2] = append(times[2], since(began))
	}
	return nil
}

func since(began time.Time) float64 { return float64(time.Since(began).Microseconds()) / 1000 }

func (v *victims) renew(ctx context.Context, token, from string) (access, refresh string, err error) {
	status, body, err := v.server.post(ctx, "/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {benchClient}, "refresh_token": {token},
	}, from)
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal(body, &got)
	}
	if err != nil || got.Refresh == "" {
		return "", "", fmt.Errorf("refresh: %d, %s: %w", status, body, err)
	}
	return got.Access, got.Refresh, nil
}

// floodClient keeps as many connections as there are requests at once.
var floodClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * attackers}}

// post posts a form that a proxy passes on from an address.
func (s *server) post(ctx context.Context, target string, form url.Values, from string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", benchLooks)
	r.Header.Set("X-Forwarded-For", from)
	answer, err := floodClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// memory returns the resident memory of the server, in MB.
func (s *server) memory() int64 { return s.status("VmRSS:") }

// peak returns the most resident memory that the server had, in MB.
func (s *server) peak() int64 { return s.status("VmHWM:") }

func (s *server) status(field string) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), field)
	kib, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return kib >> 10
}
