package devicestest

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// Laptop returns the subject's laptop: Chrome on Windows 11, enrolled a week
// before Start with both permissions.
func Laptop(subject string, edits ...func(*devices.Device)) devices.Device {
	d := device(subject, "laptop", LaptopHeaders(), "203.0.113.10")
	d.CanUpdateOthers, d.CanDeleteOthers = true, true
	return edited(d, edits)
}

// Phone returns the subject's phone: Safari on an iPhone with iOS 26.
func Phone(subject string, edits ...func(*devices.Device)) devices.Device {
	return edited(device(subject, "phone", PhoneHeaders(), "198.51.100.20"), edits)
}

// Tablet returns the subject's tablet: Chrome on Android 16.
func Tablet(subject string, edits ...func(*devices.Device)) devices.Device {
	return edited(device(subject, "tablet", TabletHeaders(), "203.0.113.10"), edits)
}

// GrantOn returns a live grant on a device, an hour old, whose token calls
// have looked like the device itself.
func GrantOn(d devices.Device, edits ...func(*devices.Grant)) devices.Grant {
	at := Start().Add(-time.Hour)
	baseline := devices.BaselineOf(Returns(d))
	return edited(devices.Grant{
		ID: "grant-on-" + d.ID, Subject: d.Subject, ClientID: "client", DeviceID: d.ID,
		SID: "sid-on-" + d.ID, Scopes: []string{"openid", "offline_access"}, Offline: true,
		Baseline: &baseline, Secret: secret("grant on " + d.ID), Generation: 2, Parent: 1,
		RotatedAt: at, NotAfter: at.Add(90 * 24 * time.Hour), Version: 2, CreatedAt: at,
	}, edits)
}

// Returns returns the sighting of a device that comes back as it was, with
// its cookie.
func Returns(d devices.Device, edits ...func(*devices.Sighting)) devices.Sighting {
	s := devices.Sighting{
		At: Start(), Entrance: d.Entrance, Fingerprint: d.Fingerprint.Merge(nil), Network: d.Last,
	}
	if len(d.CookieHash) > 0 {
		s.Proof.CookieHashes = [][]byte{d.CookieHash}
	}
	s.Proof.KeyThumbprint = d.KeyThumbprint
	return edited(s, edits)
}

// eyes is one observer for all fixtures, so that each header is parsed once.
var eyes = sync.OnceValue(func() *observe.Observer {
	return observe.New(observe.Config{SecureCookies: true, Now: Start})
})

// Sees returns the sighting of whoever sends these headers from that address,
// at Start.
func Sees(h http.Header, addr string, edits ...func(*devices.Sighting)) devices.Sighting {
	from, _ := netip.ParseAddr(addr)
	return edited(eyes().ObserveHeaders(h, from, devices.EntranceProvider), edits)
}

// Thief returns the sighting of somebody with a stolen token and nothing
// else: Firefox on Linux, far away, without a cookie.
func Thief(edits ...func(*devices.Sighting)) devices.Sighting {
	return Sees(ThiefHeaders(), "192.0.2.66", edits...)
}

// Secret returns the secret in the device cookie of a fixture.
func Secret(d devices.Device) []byte { return secret(d.ID) }

func device(subject, thing string, h http.Header, addr string) devices.Device {
	seen := Sees(h, addr)
	id := subject + "-" + thing
	enrolled := Start().Add(-7 * 24 * time.Hour)
	return devices.Device{
		ID: id, Subject: subject, State: devices.StateActive, Tier: devices.TierCookie,
		CookieHash: devices.CookieHash(secret(id)), Fingerprint: seen.Fingerprint,
		Entrance: devices.EntranceProvider, First: seen.Network, Last: seen.Network,
		CreatedAt: enrolled, LastSeen: enrolled, Version: 1,
	}
}

func secret(of string) []byte {
	sum := sha256.Sum256([]byte("secret of " + of))
	return sum[:]
}

func edited[T any](thing T, edits []func(*T)) T {
	for _, edit := range edits {
		edit(&thing)
	}
	return thing
}
