package storetest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// flaggedRotation: an event device.flagged leaves its device as
// devices.Device.Doubted does, an ended one as it is.
func flaggedRotation(t *testing.T, s Store) {
	ctx := t.Context()
	want := enrolled(t, s, "ada", "laptop")
	other := enrolled(t, s, "bob", "phone")
	g := opened(t, s, "ada", "laptop")
	for i, reason := range []devices.Reason{devices.ReasonDowngrade, devices.ReasonNewCountry} {
		v := devices.Verdict{Decision: devices.Flag, Would: devices.Flag, Evidence: []devices.Evidence{{Reason: reason, Weight: 10}}}
		r := next(g)
		r.At = noon.Add(time.Duration(i+1) * time.Minute)
		r.Judgment = &devices.Judgment{ID: rand.Text(), Subject: "ada", DeviceID: "laptop", GrantID: g.ID, Verdict: v}
		r.Events = []devices.Event{{
			ID: rand.Text(), Type: devices.EventDeviceFlagged, At: r.At, Subject: "ada", DeviceID: "laptop", Reasons: v.Reasons(),
		}, {ID: rand.Text(), Type: devices.EventDeviceFlagged, At: r.At, Subject: "ada", DeviceID: "phone", Reasons: v.Reasons()}}
		if moved, err := s.Rotate(ctx, r); !moved || err != nil {
			t.Fatal(moved, err)
		}
		g = holding(t, s, g.ID)
		want, _ = want.Doubted(v, r.At)
		want.LastSeen = r.At
		now, err := s.Device(ctx, "ada", "laptop")
		good(t, err)
		same(t, "flagged device", now, want)
	}
	now, err := s.Device(ctx, "bob", "phone")
	good(t, err)
	same(t, "another subject's device", now, other)
}
