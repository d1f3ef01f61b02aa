package storetest

import (
	"crypto/rand"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// enrolled puts a live device of a subject and returns it.
func enrolled(t *testing.T, s Store, subject, id string) devices.Device {
	t.Helper()
	d := devices.Device{
		ID: id, Subject: subject, State: devices.StateActive, Tier: devices.TierCookie,
		Fingerprint: devices.Fingerprint{devices.SignalOS: "Windows", devices.SignalBrowser: "Chrome"},
		Entrance:    devices.EntranceProvider,
		First:       devices.Network{Addr: home(), ASN: 64500, Country: "NZ", Spot: devices.SpotAt(-36.85, 174.76, 20_000)},
		Last:        devices.Network{Addr: home(), ASN: 64500, Country: "NZ", Spot: devices.SpotAt(-90, -180, 1)},
		CreatedAt:   noon, LastSeen: noon, Version: 1,
	}
	good(t, s.Change(t.Context(), subject, func(tx devices.Tx) error { return tx.Put(t.Context(), d) }))
	return d
}

// grantOf returns a fresh grant; one without a device is a service's.
func grantOf(subject, device string) devices.Grant {
	return devices.Grant{
		ID: rand.Text(), Subject: subject, ClientID: "editor", DeviceID: device, SID: "",
		Scopes: []string{"openid", "offline_access"}, Offline: true, Secret: []byte(rand.Text()),
		Generation: 1, RotatedAt: noon, NotAfter: noon.Add(90 * 24 * time.Hour), Version: 1, CreatedAt: noon,
	}
}

// opened opens a fresh grant and returns it.
func opened(t *testing.T, s Store, subject, device string) devices.Grant {
	t.Helper()
	g := grantOf(subject, device)
	good(t, s.OpenGrant(t.Context(), g))
	return g
}

// home is where everybody signs in.
func home() netip.Addr { return netip.MustParseAddr("203.0.113.7") }

// next is the plain rotation of a grant as it was read, by a device that is
// still at home.
func next(g devices.Grant) devices.Rotation {
	return devices.Rotation{
		GrantID: g.ID, Subject: g.Subject, Version: g.Version, From: g.Generation, To: g.Generation + 1,
		Parent: g.Generation, At: noon.Add(time.Minute), IdleUntil: noon.Add(time.Hour), Seen: home(),
	}
}

// codeFor returns a code that becomes the grant.
func codeFor(g devices.Grant) oauth.Code {
	return oauth.Code{
		Hash: []byte(rand.Text()), GrantID: g.ID, ClientID: g.ClientID, Subject: g.Subject,
		DeviceID: g.DeviceID, SID: g.SID, CreatedAt: noon, ExpiresAt: noon.Add(time.Minute),
	}
}

// revoke ends a device with its grants and tells, as the registry does.
func revoke(t *testing.T, s Store, d devices.Device) {
	t.Helper()
	r := devices.Registry{Store: s, Now: func() time.Time { return noon }, NewID: rand.Text}
	if err := r.RevokeByOperator(t.Context(), d.Subject, d.ID); err != nil {
		t.Error(err)
	}
}

func holding(t *testing.T, s Store, id string) devices.Grant {
	t.Helper()
	h, err := s.Holding(t.Context(), id)
	good(t, err)
	return h.Grant
}

// missing fails unless the error says that there is no such thing.
func missing(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("%s: got %v, want %v", what, err, devices.ErrNotFound)
	}
}

func client(id string) oauth.Client { return oauth.Client{ID: id, Version: 1} }

func clientID(c oauth.Client) string { return c.ID }

func user(subject string) oauth.User { return oauth.User{Subject: subject, Identifier: subject} }

func userID(u oauth.User) string { return u.Subject }
