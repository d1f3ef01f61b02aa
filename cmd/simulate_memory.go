package cmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// memory keeps what a simulation is about for as long as it runs. It decides
// nothing: the rules are in devices. It is for one goroutine, and nothing in
// it fails half-way, so that there is nothing to roll back.
type memory struct {
	grants   map[string]*devices.Grant
	subjects map[string]*memorySubject
}

// memorySubject is the devices of a subject, by ID, and their latest
// judgments, newest first.
type memorySubject struct {
	ids     []string // oldest first
	devices map[string]devices.Device
	history map[string][]devices.Judgment
}

// memoryHistory is how many judgments on a device are kept: what the domain
// looks back at.
const memoryHistory = 50

var (
	_ devices.Store      = (*memory)(nil)
	_ devices.GrantStore = (*memory)(nil)
	_ devices.Tx         = memoryTx{}
)

func newMemory() *memory {
	return &memory{grants: map[string]*devices.Grant{}, subjects: map[string]*memorySubject{}}
}

func (m *memory) subject(id string) *memorySubject {
	s := m.subjects[id]
	if s == nil {
		s = &memorySubject{devices: map[string]devices.Device{}, history: map[string][]devices.Judgment{}}
		m.subjects[id] = s
	}
	return s
}

// OpenGrant adds a grant.
func (m *memory) OpenGrant(_ context.Context, g devices.Grant) error {
	m.grants[g.ID] = &g
	return nil
}

// Change runs fn.
func (m *memory) Change(_ context.Context, subject string, fn func(devices.Tx) error) error {
	return fn(memoryTx{m, m.subject(subject)})
}

// Devices returns the subject's devices, oldest first.
func (m *memory) Devices(ctx context.Context, subject string) ([]devices.Device, error) {
	return memoryTx{m, m.subject(subject)}.Devices(ctx)
}

// Device returns one device of the subject, or devices.ErrNotFound.
func (m *memory) Device(_ context.Context, subject, id string) (devices.Device, error) {
	if d, known := m.subject(subject).devices[id]; known {
		return d, nil
	}
	return devices.Device{}, devices.ErrNotFound
}

// History returns the latest judgments on a device, newest first.
func (m *memory) History(_ context.Context, subject, id string, p devices.Page) ([]devices.Judgment, error) {
	kept := m.subject(subject).history[id]
	if p.Limit > 0 {
		kept = kept[:min(len(kept), p.Limit)]
	}
	return slices.Clone(kept), nil
}

// GrantHistory returns the latest judgments about a grant, newest first.
func (m *memory) GrantHistory(_ context.Context, grantID string, p devices.Page) ([]devices.Judgment, error) {
	g := m.grants[grantID]
	if g == nil {
		return nil, nil
	}
	kept := slices.Clone(m.subject(g.Subject).history[g.DeviceID])
	kept = slices.DeleteFunc(kept, func(j devices.Judgment) bool { return j.GrantID != grantID })
	if p.Limit > 0 {
		kept = kept[:min(len(kept), p.Limit)]
	}
	return kept, nil
}

// Holding returns a grant with its device, or devices.ErrNotFound.
func (m *memory) Holding(_ context.Context, grantID string) (devices.Holding, error) {
	g := m.grants[grantID]
	if g == nil {
		return devices.Holding{}, devices.ErrNotFound
	}
	h := devices.Holding{Grant: *g}
	if d, known := m.subject(g.Subject).devices[g.DeviceID]; known {
		h.Device = &d
	}
	return h, nil
}

// Rotate moves a grant on if it still is as r says.
func (m *memory) Rotate(ctx context.Context, r devices.Rotation) (bool, error) {
	g := m.grants[r.GrantID]
	if g == nil || g.Version != r.Version || g.Generation != r.From || !g.Live(r.At) {
		return false, nil
	}
	g.Generation, g.Parent, g.RotatedAt, g.IdleUntil = r.To, r.Parent, r.At, r.IdleUntil
	g.Version++
	if r.Baseline != nil {
		g.Baseline = r.Baseline
	}
	tx := memoryTx{m, m.subject(r.Subject)}
	if r.Touched != nil {
		d := tx.devices[r.Touched.DeviceID]
		d.Last, d.LastAt, d.Known = r.Touched.Network, r.Touched.At, r.Touched.Known
		tx.devices[d.ID] = d
	}
	if r.Judgment == nil {
		return true, nil
	}
	if d, flagged := tx.devices[r.Judgment.DeviceID].Doubted(r.Judgment.Verdict, r.Judgment.Sighting.At); flagged {
		tx.devices[d.ID] = d
	}
	return true, tx.Record(ctx, *r.Judgment)
}

// memoryTx is a subject's devices within a change.
type memoryTx struct {
	*memory
	*memorySubject
}

// Devices returns the subject's devices, oldest first.
func (tx memoryTx) Devices(context.Context) ([]devices.Device, error) {
	all := make([]devices.Device, 0, len(tx.ids))
	for _, id := range tx.ids {
		all = append(all, tx.devices[id])
	}
	return all, nil
}

// Check returns nil: nobody is disabled here, and nothing is verified.
func (memoryTx) Check(context.Context, devices.Credential) error { return nil }

// Put writes a device.
func (tx memoryTx) Put(_ context.Context, d devices.Device) error {
	if _, known := tx.devices[d.ID]; !known {
		tx.ids = append(tx.ids, d.ID)
	}
	tx.devices[d.ID] = d
	return nil
}

// EndGrants revokes a grant. Nothing in a simulation ends more than one.
func (tx memoryTx) EndGrants(
	_ context.Context, s devices.Selection, reason devices.Reason, at time.Time,
) ([]devices.Grant, error) {
	if s.GrantID == "" {
		return nil, fmt.Errorf("%w: a simulation ends single grants", devices.ErrInvalid)
	}
	g := tx.grants[s.GrantID]
	if g == nil || !g.RevokedAt.IsZero() {
		return nil, nil
	}
	g.RevokedAt, g.RevokedReason = at, reason
	g.Version++
	return []devices.Grant{*g}, nil
}

// Record keeps a judgment, and the latest of the device.
func (tx memoryTx) Record(_ context.Context, j devices.Judgment) error {
	kept := append([]devices.Judgment{j}, tx.history[j.DeviceID]...)
	tx.history[j.DeviceID] = kept[:min(len(kept), memoryHistory)]
	return nil
}

// Tell tells nobody.
func (memoryTx) Tell(context.Context, ...devices.Event) error { return nil }
