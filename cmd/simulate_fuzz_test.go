package cmd

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Whatever a line holds, it is judged, or there is one line to say why not.
func FuzzSighting(f *testing.F) {
	example, err := os.ReadFile("../docs/sightings.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(example)) {
		f.Add([]byte(line))
	}
	f.Add([]byte(`{"a\nb":1}`))
	f.Add([]byte(`{"at":"2026-11-23T09:00:00Z","subject":"a","grant":"g","ip":"::ffff:1.2.3.4%\n"}`))
	f.Add([]byte(`{"at":"2026-11-23T09:00:00Z","subject":"a","grant":"g","headers":{"\n":[1]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseSighting(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("more than one line: %v", err)
			}
			return
		}
		s := newSimulation(devices.DefaultPolicy(), time.Second, nil)
		for range 2 {
			if _, err := s.judge(t.Context(), l); err != nil {
				t.Error(err)
			}
		}
	})
}
