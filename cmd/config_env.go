package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	koanfmaps "github.com/knadh/koanf/maps"
)

const envPrefix = "LANYARD_"

// envNotKeys are the variables that the command line reads itself.
var envNotKeys = []string{"LANYARD_CONFIG", "LANYARD_ADMIN_URL", "LANYARD_ADMIN_TOKEN"}

// envName returns the environment variable of a key: LANYARD_TOKENS_GRACE
// for tokens.grace.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environ returns the settings in the environment, without the mistaken
// ones, and what is wrong with those. An empty variable is as good as none.
func (s *schema) environ(environ []string) (layer, []string) {
	keys := make(map[string]leaf, len(s.leaves))
	for _, l := range s.leaves {
		keys[envName(l.key)] = l
	}
	flat, from, complaints := map[string]any{}, map[string]string{}, []string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || slices.Contains(envNotKeys, name) {
			continue
		}
		l, given, err := given(keys, name, value)
		switch {
		case err != nil:
			complaints = append(complaints, err.Error())
		case l.key != "" && from[l.key] != "":
			complaints = append(complaints, fmt.Sprintf("%s: set %s instead, not both", name, from[l.key]))
		case l.key != "":
			flat[l.key], from[l.key] = given, name
		case !fromKubernetes(name):
			complaints = append(complaints, name+": no such setting"+
				didYouMean(closest(name, slices.Sorted(maps.Keys(keys)))))
		}
	}
	settings := layer(koanfmaps.Unflatten(flat, "."))
	for _, complaint := range s.prune(settings, "") {
		key, rest, _ := strings.Cut(complaint, ": ")
		setting, item, isItem := strings.Cut(key, "[") // secrets.system[0]
		name := from[setting]
		if isItem {
			name += "[" + item
		}
		complaints = append(complaints, name+": "+rest)
	}
	slices.Sort(complaints)
	return settings, complaints
}

// given resolves a variable to its key and value; a …_FILE names a file that
// holds a secret. The leaf is empty for a variable that is none.
func given(keys map[string]leaf, name, text string) (leaf, any, error) {
	if l, known := keys[name]; known {
		value, err := l.given(name, text, ",")
		return l, value, err
	}
	l, known := keys[strings.TrimSuffix(name, "_FILE")]
	switch {
	case !known:
		return leaf{}, nil, nil
	case !l.secret():
		return leaf{}, nil, fmt.Errorf("%s: only secrets are read from files; set %s", name, envName(l.key))
	}
	content, err := readSmall(text)
	if err != nil {
		return leaf{}, nil, fmt.Errorf("%s: %w", name, err)
	}
	// One secret a line, where there may be several.
	value, err := l.given(name, strings.TrimRight(string(content), "\r\n"), "\n")
	return l, value, err
}

// given is parse, and an error for text without any value: a secret that was
// forgotten must not count as one that is not wanted.
func (l leaf) given(name, text, separator string) (any, error) {
	value := l.parse(text, separator)
	if list, is := value.([]any); is && len(list) == 0 || strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%s: holds no value; set one, or unset it", name)
	}
	return value, nil
}

// parse reads a text as the key's type, a list by what separates its items.
// Text that is not of that type stays text, for the schema to complain of.
func (l leaf) parse(value, separator string) any {
	switch l.Type {
	case "array":
		parts := []any{}
		for part := range strings.SplitSeq(value, separator) {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
		return parts
	case "integer":
		if n, err := strconv.Atoi(value); err == nil {
			return n
		}
	case "boolean":
		if b, err := strconv.ParseBool(value); err == nil {
			return b
		}
	}
	return value
}

// fromKubernetes reports whether the variable is one that Kubernetes sets for
// a service called "lanyard".
func fromKubernetes(name string) bool {
	return name == "LANYARD_PORT" || strings.HasPrefix(name, "LANYARD_PORT_") ||
		name == "LANYARD_SERVICE_HOST" || strings.HasPrefix(name, "LANYARD_SERVICE_PORT")
}
