package devices

import "context"

// Visit returns the devices of the actor's subject, oldest first, ended ones
// too, and the actor's own among them, after a look at who shows themselves in
// its name: what comes with the session of a device must look like it and hold
// its cookie, as in [Registry.Revisit]. The error is ErrNoDevice,
// ErrNotRecognized, ErrRevoked, or ErrRefused for a copied session. It is one
// read; only a refusal writes.
func (r *Registry) Visit(ctx context.Context, a Actor, s Sighting) ([]Device, Device, error) {
	if a.DeviceID == "" {
		return nil, Device{}, ErrNoDevice
	}
	known, err := r.Store.Devices(ctx, a.Subject)
	if err != nil {
		return nil, Device{}, err
	}
	for _, d := range known {
		switch {
		case d.ID != a.DeviceID:
			continue
		case !d.Live():
			return nil, Device{}, ErrRevoked
		}
		v, err := r.revisit(ctx, d, s)
		if err == nil {
			err = v.Err()
		}
		if err != nil {
			return nil, Device{}, err
		}
		return known, d, nil
	}
	return nil, Device{}, ErrNotRecognized
}
