package store

import (
	"database/sql/driver"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// address returns an address as 16 bytes, by which networks are ranges, or nil.
func address(a netip.Addr) []byte {
	if !a.IsValid() {
		return nil
	}
	bytes := a.As16()
	return bytes[:]
}

func addr(bytes []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(bytes) // invalid for none
	return a.Unmap()
}

// network puts a network together again from its columns.
func network(bytes []byte, asn int64, s spot, place devices.Network) devices.Network {
	place.Addr, place.ASN, place.Spot = addr(bytes), uint32(asn), s.spot()
	return place
}

// place returns what of a network has no column of its own.
func place(n devices.Network) packed[devices.Network] {
	n.Addr, n.ASN, n.Spot = netip.Addr{}, 0, devices.Spot{}
	return pack(n)
}

// spot is a spot in a row, to be read as digits: five of the radius in
// kilometres, four of the latitude and four of the longitude in tenths of a
// degree, counted from the south pole and from 180 degrees west. Nowhere is 0.
type spot int64

func spotOf(s devices.Spot) spot {
	if s == (devices.Spot{}) {
		return 0
	}
	return spot(s.RadiusKM)*1e8 + spot(s.Lat+900)*1e4 + spot(s.Lon+1800)
}

func (s spot) spot() devices.Spot {
	if s == 0 {
		return devices.Spot{}
	}
	return devices.Spot{Lat: int(s/1e4%1e4) - 900, Lon: int(s%1e4) - 1800, RadiusKM: int(s / 1e8)}
}

// carriers is a list of carriers in a row, one a line: the number and the
// country.
type carriers []devices.Carrier

// Value returns the text for the row.
func (c carriers) Value() (driver.Value, error) {
	lines := make(words, len(c))
	for i, k := range c {
		lines[i] = strconv.FormatUint(uint64(k.ASN), 10) + " " + k.Country
	}
	return lines.Value()
}

// Scan reads the text of a row.
func (c *carriers) Scan(from any) error {
	*c = nil
	var lines words
	if err := lines.Scan(from); err != nil {
		return err
	}
	for _, line := range lines {
		number, country, _ := strings.Cut(line, " ")
		asn, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return fmt.Errorf("carrier expected: %w", err)
		}
		*c = append(*c, devices.Carrier{ASN: uint32(asn), Country: country})
	}
	return nil
}
