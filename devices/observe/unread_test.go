package observe_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// A request that is read later, elsewhere, is the same sighting.
func TestAKeptRequestIsTheSameSighting(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
	long := devicestest.LaptopHeaders().Clone()
	long.Set("User-Agent", long.Get("User-Agent")+strings.Repeat(" more", 500))
	long.Set("Accept-Language", strings.Repeat(" ", 100)+"de-AT,de;q=0.9")
	long.Add("Sec-Ch-Ua", strings.Repeat(`"x";v="1", `, 2000))
	lines := devicestest.LaptopHeaders().Clone()
	lines["Sec-Ch-Ua"] = []string{`"Chromium";v="142"`, `"Google Chrome";v="142"`}
	for name, h := range map[string]http.Header{
		"a laptop": devicestest.LaptopHeaders(), "a phone": devicestest.PhoneHeaders(), "an app": devicestest.AppHeaders(),
		"a thief": devicestest.ThiefHeaders(), "nothing": {}, "long": long, "several lines": lines,
		"no browser": {"User-Agent": {"curl/8.5.0"}, "Accept-Language": {"*"}},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth2/token", nil)
		r.Header = h.Clone()
		r.Header.Set("Cookie", "lanyard_device=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
		here, there := observe.New(observe.Config{Now: now}), observe.New(observe.Config{Now: func() time.Time { return now().Add(time.Second) }})
		kept := here.Keep(r)
		if here.Parses() != 0 {
			t.Errorf("%s: keeping parses", name)
		}
		text, err := json.Marshal(kept)
		if err != nil || len(text) > 12<<10 {
			t.Fatalf("%s: %d bytes (%v)", name, len(text), err)
		}
		var read observe.Request
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		want, got := here.Observe(r, devices.EntranceGateway), there.ObserveKept(read, devices.EntranceGateway)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(devices.Network{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
