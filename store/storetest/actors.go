package storetest

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

func actors(t *testing.T, s Store) {
	ctx := t.Context()
	registered(t, s)
	withPassword(t, s, "ada")
	r, ada := withdrawing(t, s)
	place := ""
	emitted := func(what, want string, act func() error) {
		t.Helper()
		good(t, act())
		page, err := s.EventsAfter(ctx, place, 500)
		good(t, err)
		place = page.Next
		if len(page.Events) == 0 && want != "" {
			t.Errorf("%s: no event", what)
		}
		for _, e := range page.Events {
			if want != "" && e.Actor != want {
				t.Errorf("%s: %s is caused by %q, want %q", what, e.Type, e.Actor, want)
			}
		}
	}
	laptop, name := devices.ActorDevice("laptop"), "other"
	ready := func(device string) func() error {
		return func() error {
			enrolled(t, s, "ada", device)
			opened(t, s, "ada", device)
			return nil
		}
	}
	allowed := func(tx devices.Tx) error {
		d := enrolledAs("laptop")
		d.CanDeleteOthers, d.CanUpdateOthers = true, true
		return tx.Put(ctx, d)
	}
	good(t, s.Change(ctx, "ada", allowed))
	emitted("a sign-in on a new device", "", func() error {
		met, err := r.Enroll(ctx, "ada", devices.Sighting{At: noon})
		if page, err := s.EventsAfter(ctx, "", 500); err != nil || page.Events[0].Actor != devices.ActorDevice(met.Device.ID) {
			t.Errorf("a new device: %+v, %v", page.Events, err)
		}
		return err
	})
	emitted("a name, by the owner", laptop, func() error { _, err := r.Edit(ctx, ada, "laptop", devices.Edit{Name: &name}); return err })
	name = "another"
	emitted("a name, by an operator", devices.ActorOperator, func() error {
		_, err := r.EditByOperator(ctx, "ada", "laptop", devices.Edit{Name: &name})
		return err
	})
	emitted("", "", ready("phone"))
	emitted("a withdrawal, by the owner", laptop, func() error { return r.WithdrawConsent(ctx, ada, "editor") })
	emitted("another device, by the owner", laptop, func() error { return r.Revoke(ctx, ada, "phone") })
	emitted("", "", ready("tablet"))
	emitted("a device, by an operator", devices.ActorOperator, func() error { return r.RevokeByOperator(ctx, "ada", "tablet") })
	emitted("", "", ready("tv"))
	emitted("a new password, on a device", laptop, func() error {
		return s.SetPassword(ctx, "ada", "hash", "laptop", devices.Credential{}, noon)
	})
	emitted("", "", ready("watch"))
	emitted("a grant, by its client", devices.ActorClient, func() error {
		return r.RevokeGrant(ctx, "ada", opened(t, s, "ada", "watch").ID, devices.ReasonClient)
	})
	emitted("a client that is deleted", devices.ActorOperator, func() error { return s.DeleteClient(ctx, "editor", noon.Add(time.Second)) })
	emitted("", "", ready("car"))
	emitted("a user who is disabled", devices.ActorOperator, func() error { return s.SetUserDisabled(ctx, "ada", true, noon) })
}

// enrolledAs returns a live device of Ada's.
func enrolledAs(id string) devices.Device {
	return devices.Device{ID: id, Subject: "ada", State: devices.StateActive, CreatedAt: noon, LastSeen: noon, Version: 2}
}
