package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// ledger is what clients were told, kept outside the server. An answer counts
// once it has arrived; what was promised in it must hold whatever happens to
// the server.
type ledger struct {
	refreshes, lost, later atomic.Int64 // answered, without an answer, 503

	mu      sync.Mutex
	dead    []*house.Hand  // whose grant's end was acknowledged
	spent   []*house.Hand  // whose token's successor was used
	checked map[string]int // promises that were tried
	wrong   []string
}

func (l *ledger) complain(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

func (l *ledger) write(list *[]*house.Hand, hand house.Hand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, &hand)
}

// unanswered reports whether the server said nothing, or "later".
func (l *ledger) unanswered(a house.Answer, err error) bool {
	switch {
	case err != nil:
		l.lost.Add(1)
		time.Sleep(5 * time.Millisecond)
	case a.Status == http.StatusServiceUnavailable, a.Status == http.StatusTooManyRequests:
		l.later.Add(1)
	default:
		return false
	}
	return true
}

// client refreshes as a rightful client does: it presents the last token that
// it was given until there is an answer.
func (l *ledger) client(h *house.Hand, done <-chan struct{}) {
	given := map[string]bool{h.Tokens.Refresh: true}
	for !closed(done) {
		before := h.Tokens.Refresh
		a, err := h.Refresh()
		if l.unanswered(a, err) {
			continue
		}
		if a.Status != http.StatusOK {
			l.complain("a rightful client was refused: %d %s", a.Status, a.Body)
			return
		}
		if given[h.Tokens.Refresh] {
			l.complain("a token was given out twice, last for %s", before)
		}
		given[h.Tokens.Refresh] = true
		l.refreshes.Add(1)
	}
}

// revoker opens grants and ends them, in one way or another, and writes down
// those whose end was acknowledged, with tokens that were spent before.
func (l *ledger) revoker(h *house.House, boss *house.Hand, u house.User, done <-chan struct{}) {
	for i := 0; !closed(done); i++ {
		hand := h.NewHand(boss.Client, house.Laptop())
		hand.Browser = boss.Browser // which is signed in already
		more, want := url.Values{"prompt": {"none"}}, http.StatusOK
		end := func() (house.Answer, error) {
			return hand.Post("/oauth2/revoke", url.Values{"token": {hand.Tokens.Refresh}})
		}
		if i%6 == 0 { // with a device of its own, which ends with it
			hand, more, want = h.NewHand(boss.Client, house.Phone()), nil, http.StatusNoContent
			end = func() (house.Answer, error) {
				return boss.Call(http.MethodDelete, "/api/v1/devices/"+hand.Tokens.Device, "")
			}
		}
		if a, err := hand.SignIn(u, everything, more); l.unanswered(a, err) || a.Status != http.StatusOK {
			continue
		}
		first := *hand
		if i%6 > 2 && l.spend(hand) {
			l.write(&l.spent, first) // its replay will end the grant
			continue
		}
		switch a, err := end(); {
		case l.unanswered(a, err):
		case a.Status != want:
			l.complain("a revocation was answered %d %s", a.Status, a.Body)
		default:
			l.write(&l.dead, *hand)
		}
	}
}

// spend uses a token and its successor, and reports whether both were
// answered.
func (l *ledger) spend(h *house.Hand) bool {
	for range 2 {
		if a, err := h.Refresh(); l.unanswered(a, err) || a.Status != http.StatusOK {
			return false
		}
	}
	return true
}

// check tries what was promised in answers so far, each once: what ended does
// not come back, and no token is good a second time. The server is up.
func (l *ledger) check() {
	l.mu.Lock()
	dead, spent := l.dead, l.spent
	l.dead, l.spent = nil, nil
	l.mu.Unlock()
	for what, hands := range map[string][]*house.Hand{"revoked grant": dead, "spent token": spent} {
		for _, h := range hands {
			a, err := h.Refresh()
			if err != nil || a.Status != http.StatusBadRequest {
				l.complain("a %s was answered %d %s (%v)", what, a.Status, a.Body, err)
			}
			a, err = h.Call(http.MethodGet, "/userinfo", "")
			if err != nil || a.Status != http.StatusUnauthorized {
				l.complain("an access token of a %s was answered %d (%v)", what, a.Status, err)
			}
		}
	}
	l.checked["ends"] += len(dead)
	l.checked["spent tokens"] += len(spent)
}

// underway waits until clients are being answered, for a moment at least.
func (l *ledger) underway(t *testing.T) {
	t.Helper()
	before := l.refreshes.Load()
	time.Sleep(150 * time.Millisecond)
	for end := time.Now().Add(30 * time.Second); l.refreshes.Load() < before+10; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server answers no refreshes")
		}
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// kills is how often the server is killed; KILLS says otherwise.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("KILLS"))
	if os.Getenv("KILLS") == "" {
		return 50
	}
	if err != nil {
		t.Fatalf("KILLS: %v", err)
	}
	return n
}

// The server is killed over and over while clients refresh and revoke. What
// it has acknowledged holds, and every rightful client goes on.
func TestKillUnderLoad(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d, house.Set("tokens.grace", "300ms"), house.Set("devices.min_actor_age", "0s"))
		ada, bob := h.User("ada@example.com"), h.User("bob@example.com")
		notes := h.Client("--id", "notes", "--public")
		l, done := &ledger{checked: map[string]int{}}, make(chan struct{})
		var working sync.WaitGroup
		for range 8 {
			hand := h.NewHand(notes, house.Laptop())
			good(t, http.StatusOK)(hand.SignIn(ada, everything, nil))
			working.Go(func() { l.client(hand, done) })
		}
		boss := h.NewHand(notes, house.Laptop())
		good(t, http.StatusOK)(boss.SignIn(bob, everything, nil))
		working.Go(func() { l.revoker(h, boss, bob, done) })

		starts := []time.Duration{h.Ready}
		for range kills(t) {
			l.underway(t)
			time.Sleep(rand.N(150 * time.Millisecond))
			if err := h.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := h.Launch(); err != nil {
				t.Fatal(err)
			}
			starts = append(starts, h.Ready)
			l.check()
		}
		l.underway(t)
		close(done)
		working.Wait()
		l.check()
		for _, wrong := range l.wrong {
			t.Error(wrong)
		}
		if l.lost.Load() == 0 || l.checked["ends"] < kills(t)/5 {
			t.Error("there was too little load to prove anything")
		}
		slices.Sort(starts)
		t.Logf("%s: %d kills, %d refreshes answered, %d calls without an answer, %d told to come later, tried: %v",
			d, kills(t), l.refreshes.Load(), l.lost.Load(), l.later.Load(), l.checked)
		t.Logf("%s: start to ready under load: least %v, median %v, most %v", d, starts[0], starts[len(starts)/2], starts[len(starts)-1])
	})
}

// How long a start takes depends on the machine, and is printed only. What it
// costs does not: the server starts by reading, and writes keys only once.
func TestStartToReady(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		first := h.Ready
		const times = 10
		starts := make([]time.Duration, times)
		for i := range starts {
			h.Stop()
			if err := h.Launch(); err != nil {
				t.Fatal(err)
			}
			starts[i] = h.Ready
		}
		slices.Sort(starts)
		t.Logf("%s: start to ready: first %v, then least %v, median %v, most %v", d, first, starts[0], starts[times/2], starts[times-1])
		if n := strings.Count(h.Log(), `"new key"`); n != 3 {
			t.Errorf("%d starts made %d keys", times+1, n)
		}
	})
}
