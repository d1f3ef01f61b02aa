package e2e_test

import (
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lanyard-id/lanyard/geo/geotest"
)

// writeWorld writes two small files of places: city.mmdb and asn.mmdb.
func writeWorld(_ *story, ts *testscript.TestScript, _ []string) error {
	geotest.World(ts.Value(testKey{}).(testing.TB), ts.MkAbs("city.mmdb"), ts.MkAbs("asn.mmdb"))
	return nil
}

type testKey struct{}

// goTo puts a device behind an address, as the proxy in front tells it.
func goTo(s *story, _ *testscript.TestScript, args []string) error {
	g := s.devices[args[0]]
	if g == nil {
		return fmt.Errorf("the story has no device %q", args[0])
	}
	g.looks.Set("X-Forwarded-For", args[1])
	return nil
}
