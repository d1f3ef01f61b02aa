package api

import (
	"context"
	"net/netip"

	"github.com/lanyard-id/lanyard/devices"
)

// AdminDevice is a device as operators see it.
type AdminDevice struct {
	Device
	Subject   string `json:"subject"`
	Entrance  string `json:"entrance" doc:"Where it was enrolled."`
	RevokedBy string `json:"revoked_by,omitempty" doc:"A device's id, operator or policy."`
}

// AdminDevices is a part of a list of devices.
type AdminDevices struct {
	Devices []AdminDevice `json:"devices" nullable:"false"`
	Next    string        `json:"next" doc:"What to send as cursor for the next part. Empty at the end."`
}

func adminDeviceOf(d devices.Device) AdminDevice {
	return AdminDevice{
		Device: deviceOf(d, nobody), Subject: d.Subject, Entrance: string(d.Entrance), RevokedBy: d.RevokedBy,
	}
}

func adminDevicesOf(found []devices.Device, next string) *adminDevicesOutput {
	out := &adminDevicesOutput{AdminDevices{Devices: make([]AdminDevice, 0, len(found)), Next: next}}
	for _, d := range found {
		out.Body.Devices = append(out.Body.Devices, adminDeviceOf(d))
	}
	return out
}

type adminDeviceOutput struct{ Body AdminDevice }

type adminDevicesOutput struct{ Body AdminDevices }

// ByCursor is a request for a part of a list; exported like [ByID].
type ByCursor struct {
	Cursor string `query:"cursor" pattern:"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" patternDescription:"UUID" doc:"The next of the part before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// page asks for one more than is shown, to know whether there is more.
func (in ByCursor) page() devices.Page {
	return devices.Page{After: in.Cursor, Limit: in.Limit + 1}
}

type findDevicesInput struct {
	ByCursor
	Subject string `query:"subject" maxLength:"255"`
	IP      string `query:"ip" doc:"An address or a prefix, of the enrolment or the latest." example:"192.0.2.0/24"`
	ASN     int64  `query:"asn" minimum:"0" maximum:"4294967295"`
	OS      string `query:"os" maxLength:"64" doc:"The family." example:"Windows"`
	State   string `query:"state" enum:"active,flagged,revoked"`
}

func (a *Admin) findDevices(ctx context.Context, in *findDevicesInput) (*adminDevicesOutput, error) {
	prefix, err := prefixOf(in.IP)
	if err != nil {
		return nil, err
	}
	found, err := a.finder.FindDevices(ctx, devices.DeviceQuery{
		Subject: in.Subject, OS: in.OS, State: devices.State(in.State), Addr: prefix,
		ASN: uint32(in.ASN), Page: in.page(), // the schema bounds the ASN
	})
	if err != nil {
		return nil, err
	}
	found, next := cut(found, in.Limit, func(d devices.Device) string { return d.ID })
	return adminDevicesOf(found, next), nil
}

// prefixOf reads an address or a prefix; the empty text is no prefix.
func prefixOf(text string) (netip.Prefix, error) {
	if text == "" {
		return netip.Prefix{}, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, invalid(FieldProblem{Field: "query.ip", Message: "must be an address or a prefix"})
	}
	return prefix.Masked(), nil
}

func (a *Admin) showDevice(ctx context.Context, in *ByID) (*adminDeviceOutput, error) {
	d, err := a.finder.DeviceByID(ctx, in.known())
	if err != nil {
		return nil, err
	}
	return &adminDeviceOutput{adminDeviceOf(d)}, nil
}

func (a *Admin) editDevice(ctx context.Context, in *ByID) (*adminDeviceOutput, error) {
	d, err := a.finder.DeviceByID(ctx, in.known())
	if err != nil {
		return nil, err
	}
	if d, err = a.registry.EditByOperator(ctx, d.Subject, d.ID, sentEdit(ctx)); err != nil {
		return nil, err
	}
	return &adminDeviceOutput{adminDeviceOf(d)}, nil
}

func (a *Admin) endDevice(ctx context.Context, in *ByID) (*struct{}, error) {
	d, err := a.finder.DeviceByID(ctx, in.known())
	if err != nil {
		return nil, err
	}
	return nil, a.registry.RevokeByOperator(ctx, d.Subject, d.ID)
}

// endOthers ends every device of a subject but one.
func (a *Admin) endOthers(ctx context.Context, in *ByID) (*revokedOutput, error) {
	d, err := a.finder.DeviceByID(ctx, in.known())
	if err != nil {
		return nil, err
	}
	n, err := a.registry.RevokeOthersByOperator(ctx, d.Subject, d.ID)
	if err != nil {
		return nil, err
	}
	return &revokedOutput{Revoked{n}}, nil
}

func (a *Admin) history(ctx context.Context, in *historyInput) (*historyOutput, error) {
	d, err := a.finder.DeviceByID(ctx, in.known())
	if err != nil {
		return nil, err
	}
	return history(ctx, in, func(ctx context.Context, p devices.Page) ([]devices.Judgment, error) {
		return a.registry.Store.History(ctx, d.Subject, d.ID, p)
	})
}
