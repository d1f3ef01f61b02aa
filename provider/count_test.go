package provider_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// TestRefreshCosts counts what a plainly allowed refresh costs, from the door
// to the database: two round trips, and one where this server moved the grant
// last; one commit, one row, and no User-Agent parsed, after one refresh and
// after a thousand.
func TestRefreshCosts(t *testing.T) {
	t.Run("read and written", func(t *testing.T) { refreshCosts(t, nil, 2) })
	t.Run("remembered and written", func(t *testing.T) { refreshCosts(t, devices.NewRecent(100), 1) })
}

func refreshCosts(t *testing.T, recent *devices.Recent, trips int) {
	through, counter := pgtest.Count(t, furnished.database(t))
	var eyes *observe.Observer
	h := newHouseOn(t, through, func(c *provider.Config) { eyes, c.Gate.Recent = c.Observer, recent })
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, scope := range []string{"openid offline_access", "offline_access"} {
		got := laptop.token(redeem(laptop.code(ada, ask("scope", scope))))
		refresh := func(times int) {
			t.Helper()
			for range times {
				got = laptop.token(refreshForm(got.str("refresh_token")))
				if got.want(t, 200, ""); got.Status != 200 {
					t.FailNow()
				}
			}
		}
		const times = 25
		for _, earlier := range []int{1, 1000} {
			refresh(earlier - int(h.grant(got).Generation-1))
			parses := eyes.Parses()
			counter.Reset()
			refresh(times)
			want := pgtest.Counts{RoundTrips: trips * times, Commits: times, Rows: times}
			n := counter.Counts()
			n.Pings = 0 // of a pool that was idle
			if n != want || eyes.Parses() != parses {
				t.Errorf("scope %q, after %d refreshes: %d cost %+v and %d parses, want %+v and none",
					scope, earlier, times, n, eyes.Parses()-parses, want)
			}
		}
	}
}

// TestOtherCosts counts what else comes to the door often.
func TestOtherCosts(t *testing.T) {
	through, counter := pgtest.Count(t, furnished.database(t))
	h := newHouseOn(t, through)
	laptop := h.browser(devicestest.LaptopHeaders())
	key := h.prover()

	t.Run("a retry writes nothing", func(t *testing.T) {
		spent := laptop.signIn(ada)
		laptop.token(refreshForm(spent.str("refresh_token"))).want(t, 200, "")
		counter.Reset()
		laptop.token(refreshForm(spent.str("refresh_token"))).want(t, 200, "")
		if n := counter.Counts(); n.RoundTrips != 1 || n.Commits != 0 || n.Rows != 0 {
			t.Errorf("it cost %+v", n)
		}
	})
	t.Run("a client is read again after five seconds", func(t *testing.T) {
		got := laptop.signIn(ada)
		h.clock.Advance(5 * time.Second)
		counter.Reset()
		laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
		if n := counter.Counts(); n.RoundTrips != 3 || n.Rows != 1 {
			t.Errorf("it cost %+v", n)
		}
	})
	t.Run("a proof is one row more", func(t *testing.T) {
		got := laptop.token(redeem(laptop.code(ada, ask())), key.proves("POST", tokenPath))
		counter.Reset()
		laptop.token(refreshForm(got.str("refresh_token")), key.proves("POST", tokenPath)).want(t, 200, "")
		if n := counter.Counts(); n.RoundTrips != 3 || n.Commits != 2 || n.Rows != 2 {
			t.Errorf("it cost %+v", n)
		}
	})
	t.Run("an access token is checked in one trip", func(t *testing.T) {
		got := laptop.signIn(ada)
		introspect := h.reader()
		introspect("junk")
		counter.Reset()
		introspect(got.str("access_token")).want(t, 200, "")
		if n := counter.Counts(); n.RoundTrips != 1 || n.Rows != 0 {
			t.Errorf("it cost %+v", n)
		}
	})
	t.Run("junk costs nothing", func(t *testing.T) {
		counter.Reset()
		laptop.token(refreshForm("junk")).refused(t, 400, "invalid_grant")
		if n := counter.Counts(); n.RoundTrips != 0 {
			t.Errorf("it cost %+v", n)
		}
	})
}
