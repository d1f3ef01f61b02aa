package store

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

// DeviceByID returns a device of whatever subject, or devices.ErrNotFound.
func (s *Store) DeviceByID(ctx context.Context, id string) (devices.Device, error) {
	if !clean(id) {
		return devices.Device{}, devices.ErrNotFound
	}
	var rows []deviceRow
	if err := selectDevices(s.read, &rows).Where("d.id = ?", id).Scan(ctx); err != nil {
		return devices.Device{}, fmt.Errorf("read device: %w", err)
	}
	if len(rows) == 0 {
		return devices.Device{}, devices.ErrNotFound
	}
	return rows[0].device(), nil
}

// FindDevices returns the devices that fit, newest first.
func (s *Store) FindDevices(ctx context.Context, q devices.DeviceQuery) ([]devices.Device, error) {
	if !clean(q.Subject, q.OS, string(q.State), q.After) {
		return nil, nil
	}
	var rows []deviceRow
	query := page(selectDevices(s.read, &rows), "d", "devices", q.Page)
	narrow(query, "d.subject = ?", q.Subject)
	narrow(query, "d.os = ?", q.OS)
	narrow(query, "d.state = ?", string(q.State))
	if q.ASN != 0 {
		query.Where("(d.first_asn = ? OR d.last_asn = ?)", int64(q.ASN), int64(q.ASN))
	}
	if q.Addr.IsValid() {
		low, high := span(q.Addr)
		query.Where("(d.first_addr BETWEEN ? AND ? OR d.last_addr BETWEEN ? AND ?)", low, high, low, high)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("find devices: %w", err)
	}
	return deviceList(rows), nil
}

// FindGrants returns the grants that fit, ended ones too, newest first.
func (s *Store) FindGrants(ctx context.Context, q devices.GrantQuery) ([]devices.Grant, error) {
	if !clean(q.Subject, q.DeviceID, q.ClientID, q.After) {
		return nil, nil
	}
	var rows []grantRow
	query := page(s.read.NewSelect().Model(&rows), "g", "grants", q.Page)
	narrow(query, "g.subject = ?", q.Subject)
	narrow(query, "g.device_id = ?", q.DeviceID)
	narrow(query, "g.client_id = ?", q.ClientID)
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("find grants: %w", err)
	}
	return grantList(rows), nil
}

func narrow(query *bun.SelectQuery, condition, value string) {
	if value != "" {
		query.Where(condition, value)
	}
}

// page orders a query by time, newest first, and goes on after a row.
func page(query *bun.SelectQuery, alias, table string, p devices.Page) *bun.SelectQuery {
	name := bun.Ident(alias)
	query.OrderExpr("?0.created_at DESC, ?0.id DESC", name).Limit(limit(p))
	if p.After != "" {
		query.Where("(?0.created_at, ?0.id) < (SELECT p.created_at, p.id FROM ?1 AS p WHERE p.id = ?2)",
			name, bun.Ident(table), p.After)
	}
	return query
}

// span returns the first and the last address of a network, as they are kept.
func span(p netip.Prefix) (low, high []byte) {
	p = p.Masked()
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	low, high = address(p.Addr()), address(p.Addr())
	for i := bits; i < 128; i++ {
		high[i/8] |= 1 << (7 - i%8)
	}
	return low, high
}
