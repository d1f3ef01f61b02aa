package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// prune removes from the settings whatever the schema does not allow and
// returns what is wrong with it, one line each, in the order of the keys. The
// rest can be decoded, so that the other mistakes come to light too.
func (s *schema) prune(settings layer, prefix string) []string {
	settings.dropNulls()
	var err *jsonschema.ValidationError
	if !errors.As(s.compiled.Validate(map[string]any(settings)), &err) {
		return nil
	}
	var complaints []string
	for _, cause := range leavesOf(err) {
		at := cause.InstanceLocation
		if unknown, is := cause.ErrorKind.(*kind.AdditionalProperties); is {
			for _, name := range unknown.Properties {
				path := append(slices.Clone(at), name)
				complaints = append(complaints, prefix+strings.Join(path, ".")+": unknown key"+s.suggest(path))
				settings.drop(append(slices.Clone(at), name))
			}
			continue
		}
		complaints = append(complaints, prefix+pathOf(at)+": "+complaint(cause.ErrorKind))
		settings.drop(at)
	}
	slices.Sort(complaints)
	return complaints
}

// leavesOf returns the causes that have no causes of their own.
func leavesOf(err *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(err.Causes) == 0 {
		return []*jsonschema.ValidationError{err}
	}
	var found []*jsonschema.ValidationError
	for _, cause := range err.Causes {
		found = append(found, leavesOf(cause)...)
	}
	return found
}

// pathOf writes a location as "secrets.system[0]".
func pathOf(location []string) string {
	var b strings.Builder
	for i, part := range location {
		if _, err := strconv.Atoi(part); err == nil {
			b.WriteString("[" + part + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(part)
	}
	return b.String()
}

// complaint says what is wrong in words. It never repeats the value, which
// may be a secret in the wrong place.
func complaint(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be " + inWords(k.Want[0]) + ", is " + inWords(k.Got)
	case *kind.Enum:
		values := make([]string, len(k.Want))
		for i, v := range k.Want {
			values[i] = fmt.Sprint(v)
		}
		return "must be one of " + strings.Join(values, ", ")
	case *kind.Format:
		return k.Err.Error()
	case *kind.MinLength:
		return "must not be empty"
	case *kind.Minimum:
		want, _ := k.Want.Float64()
		return fmt.Sprintf("must be at least %v", want)
	case *kind.Maximum:
		want, _ := k.Want.Float64()
		return fmt.Sprintf("must be at most %.0f", want)
	case *kind.InvalidJsonValue: // YAML reads more than JSON: dates, maps by number
		return "is nothing that a setting can be; put text into quotes"
	default:
		return k.LocalizedString(message.NewPrinter(language.English))
	}
}

func inWords(jsonType string) string {
	switch jsonType {
	case "object":
		return "a section with keys"
	case "array":
		return "a list"
	case "integer":
		return "a whole number"
	case "string":
		return "text"
	default:
		return "a " + jsonType
	}
}

// suggest returns ` (did you mean "…"?)` for an unknown key, or nothing: a
// similar key in the same section, or the same one in another.
func (s *schema) suggest(path []string) string {
	section, name := path[:len(path)-1], strings.ToLower(path[len(path)-1])
	var siblings []string
	elsewhere := ""
	for _, l := range s.leaves {
		parts := strings.Split(l.key, ".")
		if len(parts) >= len(path) && slices.Equal(parts[:len(section)], section) {
			siblings = append(siblings, strings.Join(parts[:len(path)], "."))
		}
		if parts[len(parts)-1] == name {
			elsewhere = l.key
		}
	}
	meant := closest(strings.Join(append(slices.Clone(section), name), "."), siblings)
	return didYouMean(firstOf(meant, elsewhere))
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", name)
}

// closest returns the candidate that is at most a third of its length away
// from the name, or "".
func closest(name string, candidates []string) string {
	best, least := "", len(name)
	for _, c := range candidates {
		if d := distance(name, c); d < least && d <= max(2, len(c)/6) {
			best, least = c, d
		}
	}
	return best
}

// distance returns how many letters must be added, removed or changed to turn
// one name into the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
