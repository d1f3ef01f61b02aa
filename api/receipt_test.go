package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
)

func TestReceiptListsEachLeg(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", laptopLooks)
	leg := func(ref string, state devices.LegState, until time.Time) devices.Leg {
		return devices.Leg{
			ID: ref, Kind: devices.LegHydraChain, Ref: ref, Subject: "ada", DeviceID: phone.ID, ClientID: "notes",
			State: state, CreatedAt: h.now(), NextAt: h.now(), Until: until,
		}
	}
	later := h.now().Add(time.Hour)
	if err := h.store.QueueLegs(t.Context(), "", "", []devices.Leg{
		leg("a", devices.LegHeld, later), leg("b", devices.LegPending, time.Time{}),
	}); err != nil {
		t.Fatal(err)
	}
	if err := h.registry.RevokeByOperator(t.Context(), "ada", phone.ID); err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]answer{
		"owner":    h.call(laptop, http.MethodGet, "/api/v1/devices/"+phone.ID+"/receipt", ""),
		"operator": h.operate(http.MethodGet, "/admin/devices/"+phone.ID+"/receipt", ""),
	} {
		got := as[api.Receipt](t, a, http.StatusOK)
		if got.State != "revoked" || got.Complete || len(got.Legs) != 2 || !got.Until.Equal(later) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	stranger := h.enroll("eve", laptopLooks)
	refused(t, h.call(stranger, http.MethodGet, "/api/v1/devices/"+phone.ID+"/receipt", ""), http.StatusNotFound, "device_not_found")
}
