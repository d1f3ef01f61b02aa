package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/v2"
)

// DefaultFile is the configuration file that is read where none is named and
// this one exists.
const DefaultFile = "lanyard.yaml"

// Source is where a configuration comes from. Later ones win: the schema's
// defaults, those of the development server, the file, the environment.
type Source struct {
	// File is a YAML file. Empty: DefaultFile in Dir, if it exists and Dev
	// is not set.
	File string
	// Dir is the working directory: where DefaultFile and the development
	// server's secret are.
	Dir     string
	Dev     bool
	Environ []string // as of os.Environ
}

// ConfigError is everything that is wrong with a configuration.
type ConfigError struct {
	// Complaints have one line each and begin with where the mistake is.
	Complaints []string
}

// Error returns the complaints, one a line.
func (e *ConfigError) Error() string { return strings.Join(e.Complaints, "\n") }

// layer is one source of settings, nested as in the file.
type layer map[string]any

// Read returns the layer; ReadBytes is for layers that need a parser.
func (l layer) Read() (map[string]any, error) { return l, nil }

// ReadBytes is not supported.
func (layer) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// Load reads the configuration. What is wrong with it comes back as one
// *ConfigError with every complaint, those of Validate included. Nothing is
// required here: see Complete.
func (s Source) Load() (Config, error) {
	schema, err := compileSchema()
	if err != nil {
		return Config{}, err
	}
	file, err := s.file()
	if err != nil {
		return Config{}, err
	}
	environ, complaints := schema.environ(s.Environ)
	complaints = append(schema.prune(file, ""), complaints...)
	k := koanf.New(".")
	for _, l := range []layer{schema.defaults(), s.dev(file, environ), file, environ} {
		if err := k.Load(l, nil); err != nil {
			return Config{}, fmt.Errorf("merge configuration: %w", err)
		}
	}
	c := Config{Dev: s.Dev}
	if err := decode(k, &c); err != nil {
		return Config{}, err
	}
	c.effective = schema.redacted(k.Raw())
	if s.Dev && len(c.Secrets.System) == 0 {
		secret, err := devSecret(filepath.Join(s.Dir, devSecretFile))
		if err != nil {
			return Config{}, err
		}
		c.Secrets.System = []Secret{secret}
		layer(c.effective).set("secrets.system", []any{hidden})
	}
	if complaints = append(complaints, c.Validate()...); len(complaints) > 0 {
		return c, &ConfigError{complaints}
	}
	return c, nil
}

// file reads the YAML file; an unnamed one may be missing.
func (s Source) file() (layer, error) {
	name := s.File
	if name == "" {
		if s.Dev {
			return layer{}, nil
		}
		name = filepath.Join(s.Dir, DefaultFile)
	}
	text, err := readSmall(name)
	if s.File == "" && errors.Is(err, fs.ErrNotExist) {
		return layer{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	settings, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		text := strings.Join(strings.Fields(err.Error()), " ") // one line
		return nil, fmt.Errorf("read configuration: %s: %s", name, text)
	}
	return settings, nil
}

// decode fills the struct. It fails only where struct and schema disagree,
// which a test would have shown.
func decode(k *koanf.Koanf, c *Config) error {
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{
		DecoderConfig: &mapstructure.DecoderConfig{
			Result: c, TagName: "koanf", ErrorUnused: true,
			DecodeHook: mapstructure.ComposeDecodeHookFunc(
				mapstructure.StringToTimeDurationHookFunc(),
				mapstructure.StringToNetIPPrefixHookFunc()),
		},
	})
	if err != nil {
		return fmt.Errorf("configuration and its schema disagree: %w", err)
	}
	return nil
}
