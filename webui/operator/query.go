package operator

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// query is what an operator looks for, as the form has it.
type query struct {
	Subject, Device, Address, ASN, OS, State string

	Wrong  string // what cannot be read of it, in words
	States []choice

	devices devices.DeviceQuery
}

// choice is a state to choose.
type choice struct {
	Code, Word string
	Chosen     bool
}

// meant looks up the subject of a query by what they sign in with. What nobody
// signs in with is a subject itself.
func (o *Operator) meant(ctx context.Context, q query) (query, error) {
	if o.SubjectOf == nil || q.Subject == "" {
		return q, nil
	}
	subject, err := o.SubjectOf(ctx, q.Subject)
	switch {
	case err == nil:
		q.devices.Subject = subject
	case !errors.Is(err, devices.ErrNotFound):
		return q, err
	}
	return q, nil
}

func (q query) any() bool { return q.Subject+q.Device+q.Address+q.ASN+q.OS+q.State != "" }

// Search, Revoke and Older return the addresses of pages that are about this
// query: its devices, their end, and the devices after one of them.
func (q query) Search() *url.URL            { return q.link("/pages", "") }
func (q query) Revoke() *url.URL            { return q.link("/pages/revoke", "") }
func (q query) Older(after string) *url.URL { return q.link("/pages", after) }

func (q query) link(path, after string) *url.URL {
	v := url.Values{}
	for name, value := range map[string]string{
		"subject": q.Subject, "device": q.Device, "address": q.Address, "asn": q.ASN, "os": q.OS, "state": q.State,
		"after": after,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return &url.URL{Path: path, RawQuery: v.Encode()}
}

func readQuery(l *webui.Locale, v url.Values) query {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	q := query{
		Subject: get("subject"), Device: get("device"), Address: get("address"), ASN: get("asn"), OS: get("os"),
		State: get("state"),
	}
	for _, state := range states() {
		code := string(state)
		q.States = append(q.States, choice{code, stateWord(l, state), code == q.State})
	}
	q.devices = devices.DeviceQuery{Subject: q.Subject, OS: q.OS, State: devices.State(q.State)}
	if q.Address != "" {
		prefix, err := netip.ParsePrefix(q.Address)
		if addr, single := netip.ParseAddr(q.Address); single == nil {
			prefix, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		if err != nil {
			q.Wrong = l.T("Enter an address, such as 203.0.113.7, or a network, such as 203.0.113.0/24.")
		}
		q.devices.Addr = prefix.Masked()
	}
	if q.ASN != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(q.ASN), "AS"), 10, 32)
		if err != nil {
			q.Wrong = l.T("Enter an AS number, such as AS64500.")
		}
		q.devices.ASN = uint32(n)
	}
	return q
}

// fits reports whether a device is one that the query is about.
func (q query) fits(d devices.Device) bool {
	in := func(n devices.Network) bool { return n.Addr.IsValid() && q.devices.Addr.Contains(n.Addr.Unmap()) }
	return (q.Subject == "" || d.Subject == q.devices.Subject) && (q.OS == "" || d.Fingerprint[devices.SignalOS] == q.OS) &&
		(q.State == "" || string(d.State) == q.State) && (q.Address == "" || in(d.First) || in(d.Last)) &&
		(q.ASN == "" || d.First.ASN == q.devices.ASN || d.Last.ASN == q.devices.ASN)
}

// find returns a page of the devices that a query is about, newest first.
func (o *Operator) find(ctx context.Context, q query, p devices.Page) ([]devices.Device, error) {
	if q.Wrong != "" {
		return nil, nil
	}
	if q.Device != "" {
		one, err := o.Finder.DeviceByID(ctx, q.Device)
		if errors.Is(err, devices.ErrNotFound) || err == nil && !q.fits(one) {
			return nil, nil
		}
		return []devices.Device{one}, err
	}
	wanted := q.devices
	wanted.Page = p
	return o.Finder.FindDevices(ctx, wanted)
}

// findLive returns the newest live devices that a query is about, and reports
// whether there are no more than those.
func (o *Operator) findLive(ctx context.Context, q query, most int) ([]devices.Device, bool, error) {
	var all []devices.Device
	for _, state := range []devices.State{devices.StateActive, devices.StateFlagged} {
		if q.State != "" && q.State != string(state) {
			continue
		}
		one := q
		one.State, one.devices.State = string(state), state
		found, err := o.find(ctx, one, devices.Page{Limit: most + 1})
		if err != nil {
			return nil, false, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b devices.Device) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return all[:min(len(all), most)], len(all) <= most, nil
}
