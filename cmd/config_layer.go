package cmd

import "strings"

// get returns the setting of a dotted key and reports whether it is there.
func (l layer) get(key string) (any, bool) {
	name, rest, nested := strings.Cut(key, ".")
	value, set := l[name]
	if !nested {
		return value, set
	}
	below, _ := value.(map[string]any)
	return layer(below).get(rest)
}

// set writes the setting of a dotted key.
func (l layer) set(key string, value any) {
	name, rest, nested := strings.Cut(key, ".")
	if !nested {
		l[name] = value
		return
	}
	below, _ := l[name].(map[string]any)
	if below == nil {
		below = map[string]any{}
		l[name] = below
	}
	layer(below).set(rest, value)
}

// drop removes what is at the path, and reports the path it removed: where a
// list has a mistake the whole list goes.
func (l layer) drop(path []string) {
	if len(path) == 0 {
		return
	}
	below, nested := l[path[0]].(map[string]any)
	if !nested || len(path) == 1 {
		delete(l, path[0])
		return
	}
	layer(below).drop(path[1:])
}

// dropNulls removes the keys that are there without a value: a heading whose
// settings are all commented out is no mistake.
func (l layer) dropNulls() {
	for name, value := range l {
		switch v := value.(type) {
		case nil:
			delete(l, name)
		case map[string]any:
			layer(v).dropNulls()
		}
	}
}
