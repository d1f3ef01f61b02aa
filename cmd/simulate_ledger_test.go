package cmd

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
)

// What is kept in memory is judged as what is kept in a database.
func TestSimulateInMemoryAsOnADatabase(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
	if _, err := store.MigrateUp(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	p, grace := devices.DefaultPolicy(), 10*time.Second
	inMemory, onDatabase := newSimulation(p, grace, nil), simulationOn(p, grace, nil, db, db, db.OpenGrant)
	text, err := os.ReadFile("../docs/sightings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	err = eachSighting(strings.NewReader(string(text)), func(n int, l sightingLine) error {
		all = n
		got, err := inMemory.judge(t.Context(), l)
		if err != nil {
			return err
		}
		want, err := onDatabase.judge(t.Context(), l)
		if got.Decision != want.Decision || !slices.Equal(got.Reasons(), want.Reasons()) {
			t.Errorf("line %d: %s %v in memory, %s %v on a database", n, got.Decision, got.Reasons(), want.Decision, want.Reasons())
		}
		return err
	})
	if err != nil || all == 0 {
		t.Fatalf("after %d lines: %v", all, err)
	}
}

// The schema of policy files and what they fill have the same keys.
func TestPolicySchemaFillsEveryField(t *testing.T) {
	s, err := compile("policy.schema.json", policySchemaText)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"version"}
	for prefix, section := range map[string]reflect.Type{
		"thresholds.": reflect.TypeFor[thresholds](), "weights.": reflect.TypeFor[weights](),
	} {
		for field := range section.Fields() {
			keys = append(keys, prefix+field.Tag.Get("mapstructure"))
		}
	}
	slices.Sort(keys)
	var told []string
	for _, l := range s.leaves {
		told = append(told, l.key)
	}
	if slices.Sort(told); !slices.Equal(keys, told) {
		t.Errorf("the struct has %v, the schema %v", keys, told)
	}
}
