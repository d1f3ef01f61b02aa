package devices_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// household is Ada with a laptop that may do everything, a phone and a tablet
// that may not, all of them old, and Bob with a phone.
type household struct {
	*house
	laptop, phone, tablet, bobs devices.Enrolment
	grants                      map[string]string // by device ID
}

func newHousehold(t *testing.T, rules ...func(*devices.Rules)) *household {
	t.Helper()
	h := &household{house: newHouse(t, rules...), grants: map[string]string{}}
	h.laptop = h.signIn("ada", devicestest.LaptopHeaders())
	h.phone = h.signIn("ada", devicestest.PhoneHeaders())
	h.tablet = h.signIn("ada", devicestest.TabletHeaders())
	h.bobs = h.signIn("bob", devicestest.PhoneHeaders())
	for _, e := range []devices.Enrolment{h.laptop, h.phone, h.tablet, h.bobs} {
		h.grants[e.Device.ID] = h.grant(e)
	}
	h.clock.Advance(48 * time.Hour)
	return h
}

func (h *household) edit(as devices.Actor, id string, e devices.Edit) func() error {
	return func() error {
		_, err := h.Edit(h.t.Context(), as, id, e)
		return err
	}
}

func (h *household) revoke(as devices.Actor, id string) func() error {
	return func() error { return h.Revoke(h.t.Context(), as, id) }
}

func (h *household) revokeOthers(as devices.Actor) func() error {
	return func() error {
		_, _, err := h.RevokeOthers(h.t.Context(), as)
		return err
	}
}

func (h *household) list(as devices.Actor) func() error {
	return func() error {
		_, err := h.List(h.t.Context(), as)
		return err
	}
}

func (h *household) history(as devices.Actor, id string) func() error {
	return func() error {
		_, err := h.History(h.t.Context(), as, id, devices.Page{})
		return err
	}
}

func TestWhoMayNotAct(t *testing.T) {
	h := newHousehold(t)
	tablet := h.tablet.Device.ID
	h.good(h.Revoke(t.Context(), by(h.laptop), tablet))
	rename := devices.Edit{Name: ptr("Mine now")}
	for _, who := range []struct {
		name  string
		actor devices.Actor
		want  error
	}{
		{"a token without a device", devices.Actor{Subject: "ada"}, devices.ErrNoDevice},
		{"a device that never was", devices.Actor{Subject: "ada", DeviceID: "made-up"}, devices.ErrNotRecognized},
		{"another subject's device", devices.Actor{Subject: "ada", DeviceID: h.bobs.Device.ID}, devices.ErrNotRecognized},
		{"a subject that never was", devices.Actor{Subject: "eve", DeviceID: h.laptop.Device.ID}, devices.ErrNotRecognized},
		{"a device that was ended", by(h.tablet), devices.ErrRevoked},
	} {
		for verb, do := range map[string]func() error{
			"list":          h.list(who.actor),
			"history":       h.history(who.actor, h.phone.Device.ID),
			"edit":          h.edit(who.actor, h.phone.Device.ID, rename),
			"rename itself": h.edit(who.actor, who.actor.DeviceID, rename),
			"revoke":        h.revoke(who.actor, h.phone.Device.ID),
			"log out":       func() error { return h.Logout(t.Context(), who.actor) },
			"revoke others": h.revokeOthers(who.actor),
		} {
			h.refuses(who.want, who.name+" wants to "+verb, do, "ada", "bob", "eve")
		}
	}
}

func TestAnotherSubjectsDeviceIsNotFound(t *testing.T) {
	h := newHousehold(t, firstOnly)
	for name, id := range map[string]string{"Bob's": h.bobs.Device.ID, "made up": "made-up", "none": ""} {
		for verb, do := range map[string]func() error{
			"history": h.history(by(h.laptop), id),
			"rename":  h.edit(by(h.laptop), id, devices.Edit{Name: ptr("x")}),
			"permit":  h.edit(by(h.laptop), id, devices.Edit{CanUpdateOthers: ptr(true)}),
			"revoke":  h.revoke(by(h.laptop), id),
			"operate": func() error { return h.RevokeByOperator(t.Context(), "ada", id) },
			"label": func() error {
				_, err := h.EditByOperator(t.Context(), "ada", id, devices.Edit{Name: ptr("x")})
				return err
			},
		} {
			h.refuses(devices.ErrNotFound, name+": "+verb, do, "ada", "bob")
		}
		// Without the permission the answer does not tell what exists.
		h.refuses(devices.ErrNoDeletePermission, name+": revoke from the phone", h.revoke(by(h.phone), id), "ada", "bob")
		h.refuses(devices.ErrNoEditPermission, name+": rename from the phone",
			h.edit(by(h.phone), id, devices.Edit{Name: ptr("x")}), "ada", "bob")
	}
}

func TestTheListIsOldestFirst(t *testing.T) {
	h := newHousehold(t)
	h.good(h.Revoke(t.Context(), by(h.laptop), h.phone.Device.ID))
	list, err := h.List(t.Context(), by(h.laptop))
	h.good(err)
	var ids []string
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	same(t, "listed", ids, []string{h.laptop.Device.ID, h.phone.Device.ID, h.tablet.Device.ID})
	if list[1].State != devices.StateRevoked || list[1].RevokedReason != devices.ReasonOwner ||
		list[1].RevokedBy != h.laptop.Device.ID || !list[1].RevokedAt.Equal(h.clock.Now()) {
		t.Errorf("the tombstone is %+v", list[1])
	}
}

// TestItWasNotMe: that word is kept as it was said, of one's own device too,
// and nobody comes back to one without proving who they are.
func TestItWasNotMe(t *testing.T) {
	h := newHousehold(t, firstOnly)
	h.refuses(devices.ErrNoDeletePermission, "from the phone", func() error {
		return h.Disown(t.Context(), by(h.phone), h.laptop.Device.ID)
	}, "ada")
	h.good(h.Disown(t.Context(), by(h.laptop), h.phone.Device.ID))
	h.good(h.Disown(t.Context(), by(h.laptop), h.laptop.Device.ID))
	for _, met := range []devices.Enrolment{h.phone, h.laptop} {
		d := h.device(met)
		if d.Live() || d.RevokedReason != devices.ReasonNotMe || d.RevokedBy != h.laptop.Device.ID || d.MayReturn() {
			t.Errorf("the tombstone is %+v", d)
		}
	}
}

func TestNames(t *testing.T) {
	h, cursor := newHousehold(t), ""
	h.told(&cursor)
	phone := by(h.phone)
	for _, name := range []string{"Mum's", strings.Repeat("é", 255), "日本 🧭", ""} {
		d, err := h.Edit(t.Context(), phone, phone.DeviceID, devices.Edit{Name: &name})
		if err != nil || d.Name != name || h.device(h.phone).Name != name {
			t.Errorf("%q: %v, the phone is called %q", name, err, d.Name)
		}
	}
	same(t, "told", h.told(&cursor), []devices.EventType{
		devices.EventDeviceRenamed, devices.EventDeviceRenamed, devices.EventDeviceRenamed, devices.EventDeviceRenamed,
	})
	for _, name := range []string{strings.Repeat("é", 256), "a\x00b", "a\nb", "a\x1b[2J", "\xff", "lap\u202etop", "\u2066a\u2069", "a\u200fb", "a\u061cb", "a\u200bb"} {
		h.refuses(devices.ErrInvalid, "naming itself", h.edit(phone, phone.DeviceID, devices.Edit{Name: &name}), "ada")
		h.refuses(devices.ErrInvalid, "an operator's name", func() error {
			_, err := h.EditByOperator(t.Context(), "ada", phone.DeviceID, devices.Edit{Name: &name})
			return err
		}, "ada")
	}
	version := h.device(h.phone).Version
	if _, err := h.Edit(t.Context(), phone, phone.DeviceID, devices.Edit{Name: ptr("")}); err != nil {
		t.Error(err)
	}
	if h.device(h.phone).Version != version {
		t.Error("an edit that changes nothing was written")
	}
	same(t, "told of nothing", h.told(&cursor), nil)
}

func TestPermissions(t *testing.T) {
	h, cursor := newHousehold(t, firstOnly), ""
	phone, laptop := h.phone.Device.ID, h.laptop.Device.ID
	update, drop := devices.Edit{CanUpdateOthers: ptr(true)}, devices.Edit{CanUpdateOthers: ptr(false)}
	remove := devices.Edit{CanDeleteOthers: ptr(true)}
	for what, e := range map[string]devices.Edit{"to update": update, "to delete": remove, "none": drop} {
		h.refuses(devices.ErrNoEditPermission, "the phone gives itself "+what, h.edit(by(h.phone), phone, e), "ada")
		h.refuses(devices.ErrNoEditPermission, "the phone gives the tablet "+what,
			h.edit(by(h.phone), h.tablet.Device.ID, e), "ada")
	}
	h.refuses(devices.ErrNoEditPermission, "the phone renames the laptop",
		h.edit(by(h.phone), laptop, devices.Edit{Name: ptr("x")}), "ada")
	h.refuses(devices.ErrNoEditPermission, "the phone vouches for itself",
		h.edit(by(h.phone), phone, devices.Edit{Acknowledge: true}), "ada")
	h.refuses(devices.ErrNoDeletePermission, "the phone ends the laptop", h.revoke(by(h.phone), laptop), "ada")
	h.refuses(devices.ErrNoDeletePermission, "the phone ends everything", h.revokeOthers(by(h.phone)), "ada")

	h.told(&cursor)
	h.good(h.edit(by(h.laptop), phone, update)())
	same(t, "told", h.told(&cursor), []devices.EventType{devices.EventPermissionsChanged})
	if d := h.device(h.phone); !d.CanUpdateOthers || d.CanDeleteOthers {
		t.Errorf("the phone may update %t, delete %t", d.CanUpdateOthers, d.CanDeleteOthers)
	}
	// It may edit now, but cannot hand out what it does not have.
	h.refuses(devices.ErrNoEditPermission, "the phone promotes itself", h.edit(by(h.phone), phone, remove), "ada")
	h.refuses(devices.ErrNoEditPermission, "the phone promotes the tablet",
		h.edit(by(h.phone), h.tablet.Device.ID, remove), "ada")
	h.good(h.edit(by(h.phone), h.tablet.Device.ID, devices.Edit{Name: ptr("Sofa")})())
	h.good(h.edit(by(h.laptop), laptop, devices.Edit{CanUpdateOthers: ptr(false), CanDeleteOthers: ptr(false)})())
	h.refuses(devices.ErrNoEditPermission, "the laptop wants it back", h.edit(by(h.laptop), laptop, update), "ada")
}

func TestAYoungDeviceNeedsAFreshSignIn(t *testing.T) {
	h := newHouse(t)
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	phone := h.signIn("ada", devicestest.PhoneHeaders())
	house := &household{house: h}
	at := func(age time.Duration) { h.clock.Advance(laptop.Device.CreatedAt.Add(age).Sub(h.clock.Now())) }
	stale := by(laptop)
	at(5*time.Minute - 1)
	h.good(house.edit(stale, phone.Device.ID, devices.Edit{Name: ptr("fresh")})())
	for _, age := range []time.Duration{5 * time.Minute, 24*time.Hour - 1} {
		at(age)
		for verb, do := range map[string]func() error{
			"rename":        house.edit(stale, phone.Device.ID, devices.Edit{Name: ptr("x")}),
			"permit itself": house.edit(stale, laptop.Device.ID, devices.Edit{CanUpdateOthers: ptr(false)}),
			"revoke":        house.revoke(stale, phone.Device.ID),
			"revoke others": house.revokeOthers(stale),
		} {
			h.refuses(devices.ErrStepUpRequired, age.String()+" old: "+verb, do, "ada")
		}
	}
	h.refuses(devices.ErrStepUpRequired, "without a sign-in", house.revoke(
		devices.Actor{Subject: "ada", DeviceID: laptop.Device.ID}, phone.Device.ID), "ada")
	h.good(house.edit(stale, laptop.Device.ID, devices.Edit{Name: ptr("its own name")})())

	fresh := stale
	fresh.AuthTime = h.clock.Now().Add(-time.Minute)
	h.good(house.edit(fresh, phone.Device.ID, devices.Edit{Name: ptr("y")})())
	at(24 * time.Hour)
	h.good(house.revoke(stale, phone.Device.ID)())
}

func TestDelays(t *testing.T) {
	h := newHousehold(t, func(r *devices.Rules) { r.UpdateDelay, r.DeleteDelay = time.Hour, 2*time.Hour })
	young := h.signIn("ada", devicestest.ThiefHeaders())
	rename := devices.Edit{Name: ptr("x")}
	h.refuses(devices.ErrEditingDisabled, "too young to be renamed", h.edit(by(h.laptop), young.Device.ID, rename), "ada")
	h.refuses(devices.ErrDeletionDisabled, "too young to be ended", h.revoke(by(h.laptop), young.Device.ID), "ada")
	h.good(h.edit(by(young), young.Device.ID, rename)())
	h.clock.Advance(time.Hour)
	h.good(h.edit(by(h.laptop), young.Device.ID, devices.Edit{Name: ptr("y")})())
	h.refuses(devices.ErrDeletionDisabled, "still too young", h.revoke(by(h.laptop), young.Device.ID), "ada")
	h.clock.Advance(time.Hour)
	h.good(h.revoke(by(h.laptop), young.Device.ID)())
	h.refuses(devices.ErrEditingDisabled, "ended ones stay", h.edit(by(h.laptop), young.Device.ID, rename), "ada")
}

func TestRevoking(t *testing.T) {
	h, cursor := newHousehold(t), ""
	h.told(&cursor)
	h.good(h.revoke(by(h.laptop), h.phone.Device.ID)())
	same(t, "told", h.told(&cursor), []devices.EventType{devices.EventDeviceRevoked, devices.EventGrantRevoked})
	for _, e := range []devices.Enrolment{h.laptop, h.tablet, h.bobs} {
		if !h.device(e).Live() || !h.held(h.grants[e.Device.ID]).RevokedAt.IsZero() {
			t.Errorf("%s of %s went too", e.Device.ID, e.Device.Subject)
		}
	}
	if g := h.held(h.grants[h.phone.Device.ID]); g.RevokedAt.IsZero() || g.RevokedReason != devices.ReasonDeviceRevoked {
		t.Errorf("the phone's grant is revoked at %s because of %s", g.RevokedAt, g.RevokedReason)
	}
	h.refuses(nil, "revoking it again", h.revoke(by(h.laptop), h.phone.Device.ID), "ada", "bob")

	h.good(h.Logout(t.Context(), by(h.tablet)))
	if d := h.device(h.tablet); d.RevokedReason != devices.ReasonLogout || d.RevokedBy != d.ID {
		t.Errorf("signed out, it ended because of %s by %s", d.RevokedReason, d.RevokedBy)
	}
	h.refuses(devices.ErrRevoked, "signing out twice", func() error { return h.Logout(t.Context(), by(h.tablet)) }, "ada")
}

// The delay protects young devices from being ended with all others, too.
func TestRevokingAllOthersKeepsYoungOnes(t *testing.T) {
	h := newHousehold(t, func(r *devices.Rules) { r.DeleteDelay = 2 * time.Hour })
	h.clock.Advance(2 * time.Hour)
	young := h.signIn("ada", devicestest.ThiefHeaders())
	n, kept, err := h.RevokeOthers(t.Context(), by(h.laptop))
	if err != nil || n != 2 || len(kept) != 1 || kept[0].ID != young.Device.ID || !h.device(young).Live() {
		t.Errorf("ended %d and kept %v, %v; want phone and tablet ended, and the young one kept", n, kept, err)
	}
	if at := h.EndableFrom(young.Device); !at.Equal(young.Device.CreatedAt.Add(2 * time.Hour)) {
		t.Errorf("it may be ended from %s on", at)
	}
	h.clock.Advance(2 * time.Hour)
	if n, kept, err := h.RevokeOthers(t.Context(), by(h.laptop)); err != nil || n != 1 || len(kept) != 0 || h.device(young).Live() {
		t.Errorf("later it ends %d and keeps %v, %v", n, kept, err)
	}
}

func TestRevokingAllOthers(t *testing.T) {
	h := newHousehold(t)
	h.good(h.revoke(by(h.laptop), h.tablet.Device.ID)())
	n, _, err := h.RevokeOthers(t.Context(), by(h.laptop))
	if err != nil || n != 1 {
		t.Errorf("ended %d, %v; want the phone, as the tablet had ended", n, err)
	}
	if !h.device(h.laptop).Live() || !h.device(h.bobs).Live() || h.live("ada") != 1 {
		t.Error("the wrong ones went")
	}
	if !h.held(h.grants[h.laptop.Device.ID]).RevokedAt.IsZero() {
		t.Error("the laptop's own grant went")
	}
}

// TestOperatorsPermit: an operator gives and takes permissions, whatever the
// rules for owners are, but not of a device that has ended.
func TestOperatorsPermit(t *testing.T) {
	h, cursor := newHousehold(t, firstOnly, func(r *devices.Rules) { r.UpdateDelay = 48 * time.Hour }), ""
	h.told(&cursor)
	permit := func(id string, update, remove bool) (devices.Device, error) {
		return h.EditByOperator(t.Context(), "ada", id, devices.Edit{CanUpdateOthers: &update, CanDeleteOthers: &remove})
	}
	d, err := permit(h.phone.Device.ID, true, true)
	if now := h.device(h.phone); err != nil || !now.CanUpdateOthers || !now.CanDeleteOthers || d.Version != now.Version {
		t.Errorf("got %+v, %v; kept %+v", d, err, now)
	}
	_, err = permit(h.phone.Device.ID, true, true) // changes nothing
	h.good(err)
	if now := h.device(h.phone); now.Version != d.Version {
		t.Error("a permission that was there was written")
	}
	_, err = permit(h.phone.Device.ID, true, false)
	h.good(err)
	if now := h.device(h.phone); !now.CanUpdateOthers || now.CanDeleteOthers {
		t.Errorf("taken: %+v", now)
	}
	h.good(h.RevokeByOperator(t.Context(), "ada", h.tablet.Device.ID))
	for id, want := range map[string]error{
		h.tablet.Device.ID: devices.ErrEditingDisabled, h.bobs.Device.ID: devices.ErrNotFound, "made-up": devices.ErrNotFound,
	} {
		h.refuses(want, "permit "+id, func() error { _, err := permit(id, true, true); return err }, "ada", "bob")
	}
	if told := h.told(&cursor); !slices.Equal(told[:2], []devices.EventType{
		devices.EventPermissionsChanged, devices.EventPermissionsChanged,
	}) {
		t.Errorf("told %v", told)
	}
}

// TestOperatorsEndAllOthers: the device that an operator names stays, and has to
// be a live one of the subject.
func TestOperatorsEndAllOthers(t *testing.T) {
	h := newHousehold(t, func(r *devices.Rules) { r.DeleteDelay = 48 * time.Hour })
	for _, id := range []string{h.bobs.Device.ID, "made-up", ""} {
		h.refuses(devices.ErrNotFound, "keep "+id, func() error {
			_, err := h.RevokeOthersByOperator(t.Context(), "ada", id)
			return err
		}, "ada", "bob")
	}
	n, err := h.RevokeOthersByOperator(t.Context(), "ada", h.phone.Device.ID)
	if err != nil || n != 2 || h.live("ada") != 1 || !h.device(h.phone).Live() || h.live("bob") != 1 {
		t.Errorf("ended %d, %v; %d of Ada's are live", n, err, h.live("ada"))
	}
	if d := h.device(h.laptop); d.RevokedReason != devices.ReasonOperator || d.RevokedBy != "operator" {
		t.Errorf("ended because of %s by %s", d.RevokedReason, d.RevokedBy)
	}
	if !h.held(h.grants[h.phone.Device.ID]).RevokedAt.IsZero() {
		t.Error("the grant of the device that stays has ended")
	}
	h.refuses(devices.ErrNotFound, "keep one that has ended", func() error {
		_, err := h.RevokeOthersByOperator(t.Context(), "ada", h.laptop.Device.ID)
		return err
	}, "ada", "bob")
}

func TestOperators(t *testing.T) {
	h, cursor := newHousehold(t), ""
	h.told(&cursor)
	d, err := h.EditByOperator(t.Context(), "ada", h.phone.Device.ID, devices.Edit{Name: ptr("Lost on Monday")})
	if err != nil || d.Name != "Lost on Monday" {
		t.Errorf("renamed to %q, %v", d.Name, err)
	}
	h.good(h.RevokeByOperator(t.Context(), "ada", h.phone.Device.ID))
	if d := h.device(h.phone); d.RevokedReason != devices.ReasonOperator || d.RevokedBy != "operator" {
		t.Errorf("ended because of %s by %s", d.RevokedReason, d.RevokedBy)
	}
	h.refuses(nil, "revoking it again", func() error {
		return h.RevokeByOperator(t.Context(), "ada", h.phone.Device.ID)
	}, "ada", "bob")
	n, err := h.RevokeSubject(t.Context(), "ada", devices.ReasonOperator)
	if err != nil || n != 2 || h.live("ada") != 0 || h.live("bob") != 1 {
		t.Errorf("ended %d devices of Ada's, %v", n, err)
	}
	h.good(h.RevokeGrant(t.Context(), "bob", h.grants[h.bobs.Device.ID], devices.ReasonClient))
	if g := h.held(h.grants[h.bobs.Device.ID]); g.RevokedReason != devices.ReasonClient || !h.device(h.bobs).Live() {
		t.Errorf("Bob's grant ended because of %q; his phone lives: %t", g.RevokedReason, h.device(h.bobs).Live())
	}
	h.refuses(nil, "ending Bob's grant as Ada's", func() error {
		return h.RevokeGrant(t.Context(), "ada", h.grants[h.bobs.Device.ID], devices.ReasonClient)
	}, "ada", "bob")
}

func TestAnOwnerClearsAFlag(t *testing.T) {
	h, cursor := newHousehold(t, firstOnly), ""
	flagged := h.signIn("ada", devicestest.ThiefHeaders(), h.laptop.Secret)
	if flagged.Device.State != devices.StateFlagged {
		t.Fatalf("the device is %s", flagged.Device.State)
	}
	h.told(&cursor)
	h.refuses(devices.ErrNoEditPermission, "vouching for itself",
		h.edit(by(flagged), flagged.Device.ID, devices.Edit{Acknowledge: true}), "ada")
	h.good(h.edit(by(h.laptop), flagged.Device.ID, devices.Edit{Acknowledge: true})())
	if d := h.device(flagged); d.State != devices.StateActive || d.FlaggedReason != "" {
		t.Errorf("it is %s because of %q", d.State, d.FlaggedReason)
	}
	same(t, "told", h.told(&cursor), []devices.EventType{devices.EventDeviceAcknowledged})
}
