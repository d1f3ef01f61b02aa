package cmd

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed lanyard.schema.json
var schemaText []byte

// schema is lanyard.schema.json, or that of policy files, compiled, and its
// leaves.
type schema struct {
	compiled *jsonschema.Schema
	leaves   []leaf // by key
}

// leaf is one setting, as the schema describes it.
type leaf struct {
	key string // "tokens.grace"

	Description string          `json:"description"`
	Type        string          `json:"type"`
	Format      string          `json:"format"`
	Default     any             `json:"default"`
	WriteOnly   bool            `json:"writeOnly"`
	Enum        []string        `json:"enum"`
	Properties  map[string]leaf `json:"properties"`
}

// secret reports whether the setting must not be printed as it is.
func (l leaf) secret() bool { return l.WriteOnly || l.Format == formatDatabaseURL }

func compileSchema() (*schema, error) { return compile("lanyard.schema.json", schemaText) }

func compile(name string, text []byte) (*schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, f := range formats() {
		compiler.RegisterFormat(f)
	}
	if err := compiler.AddResource(name, doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var root leaf
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &schema{compiled: compiled, leaves: root.below("")}, nil
}

// below returns the settings under a schema node, by key.
func (l leaf) below(prefix string) []leaf {
	var found []leaf
	for _, name := range slices.Sorted(maps.Keys(l.Properties)) {
		child := l.Properties[name]
		if child.Properties != nil {
			found = append(found, child.below(prefix+name+".")...)
			continue
		}
		child.key = prefix + name
		found = append(found, child)
	}
	return found
}

// defaults returns every setting with its default.
func (s *schema) defaults() layer {
	settings := layer{}
	for _, l := range s.leaves {
		settings.set(l.key, l.Default)
	}
	return settings
}

// redacted returns the settings with the secrets hidden.
func (s *schema) redacted(settings layer) layer {
	for _, l := range s.leaves {
		value, _ := settings.get(l.key)
		switch v := value.(type) {
		case string:
			if l.Format == formatDatabaseURL {
				settings.set(l.key, DatabaseURL(v).String())
			} else if l.WriteOnly {
				settings.set(l.key, Secret(v).String())
			}
		case []any:
			if l.WriteOnly {
				settings.set(l.key, slices.Repeat([]any{hidden}, len(v)))
			}
		}
	}
	return settings
}
