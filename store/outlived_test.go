package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
)

func TestOutlivedTies(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		enrolledIn(t, s, "ada", "phone")
		enrolledIn(t, s, "bob", "bobs")
		for ref, on := range map[string][2]string{
			"lives": {"ada", "laptop"}, "outlives": {"ada", "phone"}, "ended": {"ada", "phone"}, "leaving": {"ada", "phone"},
			"disabled": {"bob", "bobs"}, "nobodys": {"carl", "carls"}, "strangers": {"bob", "phone"},
		} {
			tie := devices.Tie{Kind: devices.TieKratosSession, Ref: ref, Subject: on[0], DeviceID: on[1], At: oryNoon}
			if err := s.PutTie(ctx, tie); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.EndTie(ctx, devices.TieKratosSession, "ended", oryNoon); err != nil {
			t.Fatal(err)
		}
		queued := func(refs ...string) {
			t.Helper()
			var legs []devices.Leg
			for _, ref := range refs {
				legs = append(legs, devices.Leg{
					ID: "l-" + ref, Kind: devices.LegKratosSession, Ref: ref, State: devices.LegPending, CreatedAt: oryNoon, NextAt: oryNoon,
				})
			}
			if err := s.QueueLegs(ctx, "", "", legs); err != nil {
				t.Fatal(err)
			}
		}
		outlived := func(most int, want ...string) {
			t.Helper()
			ties, err := s.OutlivedTies(ctx, most)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, tie := range ties {
				got = append(got, tie.Ref+" of "+tie.DeviceID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		outlived(10)
		endedIn(t, s, "ada", "phone")
		queued("leaving")
		outlived(10, "outlives of phone")
		if err := s.SetUserDisabled(ctx, "bob", true, oryNoon); err != nil {
			t.Fatal(err)
		}
		outlived(10, "disabled of bobs", "outlives of phone", "strangers of phone")
		outlived(1, "disabled of bobs")
		queued("disabled", "outlives", "strangers")
		outlived(10)
	})
}
