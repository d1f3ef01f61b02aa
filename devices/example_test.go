package devices_test

import (
	"errors"
	"fmt"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// A stolen refresh token shows up on another machine.
func ExamplePolicy_Judge() {
	laptop := devicestest.Laptop("ada")
	grant := devicestest.GrantOn(laptop)
	v := devices.DefaultPolicy().Judge(devices.Case{
		Now: devicestest.Start(), Device: &laptop, Grant: &grant,
		Binding: devices.BindingObserved, Lineage: devices.Current, Sighting: devicestest.Thief(),
	})
	fmt.Println(v.Decision, "and end the grant:", v.RevokeGrant)
	for _, e := range v.Evidence {
		fmt.Printf("%s: %s, now %s (%d dB)\n", e.Reason, e.Before, e.After, e.Weight)
	}
	// Output:
	// refuse and end the grant: true
	// os_changed: Windows, now Linux (25 dB)
	// browser_changed: Chrome, now Firefox (22 dB)
}

// A verdict that nobody has filled in refuses.
func ExampleVerdict() {
	var v devices.Verdict
	fmt.Println(v.Decision, errors.Is(v.Err(), devices.ErrRefused))
	// Output: refuse true
}

// What could not be looked at is not what was not there.
func ExampleFingerprint_Get() {
	f := devices.Fingerprint{devices.SignalOS: "Android", devices.SignalModel: ""}
	_, looked := f.Get(devices.SignalModel)
	fmt.Println("model looked for:", looked)
	_, looked = f.Get(devices.SignalOSVersion)
	fmt.Println("version looked for:", looked)
	// Output:
	// model looked for: true
	// version looked for: false
}
