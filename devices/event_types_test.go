package devices_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
)

// TestEventTypes: whoever asks for a type of event is told every one there is.
func TestEventTypes(t *testing.T) {
	source, err := os.ReadFile("verdict.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\tEvent\w+\s+EventType = "([a-z._]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(declared) < 13 {
		t.Fatalf("found %d types", len(declared))
	}
	for _, d := range declared {
		if !slices.Contains(devices.EventTypes(), devices.EventType(d[1])) {
			t.Errorf("%s is not among them", d[1])
		}
	}
}

// TestEventTypesAreDocumented: the table in docs/events.md has every type, in
// the order of EventTypes, and no other.
func TestEventTypesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []devices.EventType
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)` \\| \\S").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, devices.EventType(row[1]))
	}
	if want := devices.EventTypes(); !slices.Equal(documented, want) {
		t.Errorf("documented are %v, want %v", documented, want)
	}
}
