package geo

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/lanyard-id/lanyard/devices"
)

// Places tells where addresses are. It is safe for concurrent use; nil knows
// no place.
type Places struct {
	log *slog.Logger
	now atomic.Pointer[edition]

	refreshing sync.Mutex
	refused    map[Use]refusal // replacements that were not taken
}

// refusal is why a replacement was not taken. It is logged once.
type refusal struct {
	stamp  stamp // zero if there was no file to read
	reason string
	final  bool // the content is bad, so reading it again is of no use
}

// edition is the files as they were read last, and what they told. Both go
// together: what an older file told is not taken for the newer one's.
type edition struct {
	city, asn *File
	told      *otter.Cache[netip.Addr, devices.Network]
}

// remembered is how many addresses are remembered, in a few hundred bytes each.
const remembered = 4096

// New returns places from files, either of which may be nil. A replaced file
// is logged.
func New(city, asn *File, log *slog.Logger) *Places {
	p := &Places{log: log, refused: map[Use]refusal{}}
	p.turn(city, asn)
	return p
}

func (p *Places) turn(city, asn *File) {
	p.now.Store(&edition{city: city, asn: asn, told: otter.Must(&otter.Options[netip.Addr, devices.Network]{
		MaximumSize: remembered,
		Executor:    func(fn func()) { fn() }, // no goroutine outlives a lookup
	})})
}

// Place returns the network of an address as far as the files tell it.
func (p *Places) Place(a netip.Addr) devices.Network {
	n := devices.Network{Addr: a}
	if p == nil || !devices.Mappable(a) {
		return n
	}
	e := p.now.Load()
	if known, ok := e.told.GetIfPresent(a); ok {
		return known
	}
	n = e.look(a.Unmap())
	n.Addr = a
	e.told.Set(a, n)
	return n
}

// look joins what both files tell: places from the one, carriers from the
// other, kinds from either.
func (e *edition) look(a netip.Addr) devices.Network {
	n, carrier := e.city.look(a), e.asn.look(a)
	n.ASN = cmp.Or(carrier.ASN, n.ASN)
	n.Country = cmp.Or(n.Country, carrier.Country)
	if carrier.Kind.Hides() || n.Kind == "" {
		n.Kind = carrier.Kind
	}
	return n
}

// Run looks every now and then whether a file was replaced, until ctx ends.
func (p *Places) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.Refresh()
		}
	}
}

// Refresh reads the files that were replaced since. One that cannot be used is
// logged, once for each change of it, and the one before stays.
func (p *Places) Refresh() {
	p.refreshing.Lock()
	defer p.refreshing.Unlock()
	e := p.now.Load()
	city, asn := p.renewed(e.city), p.renewed(e.asn)
	if city != e.city || asn != e.asn {
		p.turn(city, asn)
	}
}

func (p *Places) renewed(f *File) *File {
	if f == nil {
		return nil
	}
	there, err := stampOf(f.path)
	if err == nil && there == f.stamp {
		delete(p.refused, f.use)
		return f
	}
	before, refused := p.refused[f.use]
	if refused && before.final && before.stamp == there {
		return f
	}
	next, err := Open(f.path, f.use)
	if err != nil {
		now := refusal{there, err.Error(), errors.Is(err, errCorrupt) || errors.Is(err, ErrWrongFile)}
		if p.refused[f.use] = now; now != before {
			p.log.Warn("file of "+string(f.use)+" cannot be read again; the one before is used", "path", f.path, "err", err)
		}
		return f
	}
	delete(p.refused, f.use)
	p.log.Info("file of "+string(f.use)+" read again", "path", f.path, "built", next.db.Metadata.BuildTime().UTC())
	return next
}
