package cmd

import (
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/doctor"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/store"
)

// databaseFindings looks at what the database holds. It returns the keys there,
// or nil if there are none that open.
func databaseFindings(a *app, c Config) ([]doctor.Finding, *keyring.Keyring) {
	s, err := store.Open(a.ctx, c.Database.URL.Reveal(), store.WithNow(a.now))
	if err != nil {
		return []doctor.Finding{own(doctor.Missing, "database", err.Error())}, nil
	}
	defer func() { _ = s.Close() }() // it was only read
	if err := s.Check(a.ctx); err != nil {
		return []doctor.Finding{own(doctor.Missing, "database", err.Error())}, nil
	}
	found := []doctor.Finding{own(doctor.Good, "database", "it can be reached and has this binary's schema")}
	f, keys := keysFinding(a, c, s)
	found = append(append(found, f...), clockFinding(a.ctx, c, a.now)...)
	return append(found, alikeFindings(a, c, s)...), keys
}

// keysFinding opens the keys with the system secrets. It makes no keys; the
// server does.
func keysFinding(a *app, c Config, s *store.Store) ([]doctor.Finding, *keyring.Keyring) {
	if len(c.Secrets.System) == 0 {
		return nil, nil // which has been said
	}
	rows, err := s.Keys(a.ctx)
	switch {
	case err != nil:
		return []doctor.Finding{own(doctor.Missing, "keys", err.Error())}, nil
	case len(rows) == 0:
		return []doctor.Finding{own(doctor.Advice, "keys", "there are none yet: the server makes them at its first start")}, nil
	}
	keys, err := keyring.Open(a.ctx, c.keyring(s, a.now, slog.New(slog.DiscardHandler)))
	if err != nil {
		return []doctor.Finding{own(doctor.Missing, "keys", err.Error()+"; put the secret that sealed them back into secrets.system")}, nil
	}
	return []doctor.Finding{own(doctor.Good, "keys", fmt.Sprintf("secrets.system opens them; %d are published", len(keys.JWKS().Keys)))}, keys
}

// enoughDevices and enoughPeople are how many must look alike before the doctor
// suspects a proxy.
const (
	enoughDevices = 5
	enoughPeople  = 3
	latestDevices = 25
)

// alikeFindings looks for a proxy that hides clients: the devices that were
// enrolled last, of several people, all seem to have one address or one system.
func alikeFindings(a *app, c Config, s *store.Store) []doctor.Finding {
	latest, err := s.FindDevices(a.ctx, devices.DeviceQuery{Page: devices.Page{Limit: latestDevices}})
	if err != nil {
		return []doctor.Finding{own(doctor.Missing, "devices", err.Error())}
	}
	people, addresses, looks := map[string]bool{}, map[netip.Addr]bool{}, map[string]bool{}
	for _, d := range latest {
		people[d.Subject] = true
		addresses[d.Last.Addr] = true
		looks[fmt.Sprint(d.Fingerprint)] = true
	}
	if len(latest) < enoughDevices || len(people) < enoughPeople {
		return nil
	}
	var found []doctor.Finding
	if addr := latest[0].Last.Addr; len(addresses) == 1 && addr.IsValid() {
		found = append(found, alikeAddress(c, addr, len(latest)))
	}
	if len(looks) == 1 {
		level, what := doctor.Advice, fmt.Sprintf("the last %d, of %d people, all are %q: if these are not the same computers, a proxy in front "+
			"replaces User-Agent; have it pass the header on", len(latest), len(people), latest[0].Fingerprint.Describe())
		if latest[0].Fingerprint[devices.SignalBrowser] == "" && latest[0].Fingerprint[devices.SignalOS] == "" {
			level = doctor.Missing
		}
		found = append(found, own(level, "devices", what))
	}
	return found
}

// alikeAddress speaks of the address that all devices have. Where that is none
// of the Internet's, or a trusted proxy's, it is the proxy's for sure.
func alikeAddress(c Config, addr netip.Addr, n int) doctor.Finding {
	level := doctor.Advice
	inner := addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()
	if inner && c.secure() {
		level = doctor.Missing
	}
	return own(level, "devices", fmt.Sprintf("the last %d all seem to be at %s: if that is a proxy, put it among trusted_proxies, and have it send "+
		"X-Forwarded-For (%s)", n, addr, overwrite))
}
