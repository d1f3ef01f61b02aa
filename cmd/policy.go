package cmd

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"

	"github.com/lanyard-id/lanyard/devices"
)

//go:embed policy.schema.json
var policySchemaText []byte

// policyFile is what a policy file may set. Meanings and bounds of the keys
// are in policy.schema.json. What it leaves out is as built in.
type policyFile struct {
	Version    string
	Thresholds thresholds
	Weights    weights
}

type thresholds struct {
	Flag   int `mapstructure:"flag"`
	StepUp int `mapstructure:"step_up"`
	Refuse int `mapstructure:"refuse"`
	Cap    int `mapstructure:"cap"`
	// NetworkCap is the most that all networks weigh.
	NetworkCap int `mapstructure:"network_cap"`
}

// weights has the fields of [devices.Weights] under the names of the file.
type weights struct {
	OSChanged        int `mapstructure:"os_changed"`
	BrowserChanged   int `mapstructure:"browser_changed"`
	ModelChanged     int `mapstructure:"model_changed"`
	ClassChanged     int `mapstructure:"class_changed"`
	BrowserDowngrade int `mapstructure:"browser_downgrade"`
	OSDowngrade      int `mapstructure:"os_downgrade"`
	Contradiction    int `mapstructure:"hints_contradict"`
	CookieMismatch   int `mapstructure:"cookie_mismatch"`
	LanguageChanged  int `mapstructure:"language_changed"`
	DesktopPages     int `mapstructure:"desktop_pages"`
	NewNetwork       int `mapstructure:"new_network"`
	OtherFamily      int `mapstructure:"other_family"`
	NewCountry       int `mapstructure:"new_country"`
	NewCarrier       int `mapstructure:"new_carrier"`
	Hosting          int `mapstructure:"hosting"`
	Anonymiser       int `mapstructure:"anonymiser"`
	Tor              int `mapstructure:"tor"`
	FastTravel       int `mapstructure:"fast_travel"`
	ImpossibleTravel int `mapstructure:"impossible_travel"`
	KnownCarrier     int `mapstructure:"known_carrier"`
	ConcurrentUse    int `mapstructure:"concurrent_use"`
}

// policy returns the policy in force: the built-in weights, or those of
// policy.file. What is wrong with that file comes back as one *ConfigError.
func (c Config) policy() (devices.Policy, error) {
	p := devices.DefaultPolicy()
	p.Mode, p.ConcurrentWindow = c.Policy.Mode, c.Devices.ConcurrentWindow
	if c.Policy.File == "" {
		return p, nil
	}
	return readPolicy(p, c.Policy.File)
}

// readPolicy returns the policy with what the file sets.
func readPolicy(p devices.Policy, name string) (devices.Policy, error) {
	text, err := readSmall(name)
	if err != nil {
		return p, fmt.Errorf("read policy: %w", err)
	}
	settings, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return p, fmt.Errorf("read policy: %s: %s", name, strings.Join(strings.Fields(err.Error()), " "))
	}
	s, err := compile("policy.schema.json", policySchemaText)
	if err != nil {
		return p, err
	}
	found := complaints(s.prune(settings, ""))
	f := policyFile{
		Thresholds: thresholds{p.FlagAt, p.StepUpAt, p.RefuseAt, p.SoftwareCap, p.NetworkCap},
		Weights:    weights(p.Weights),
	}
	if err := mapstructure.Decode(settings, &f); err != nil {
		return p, fmt.Errorf("policy and its schema disagree: %w", err)
	}
	t := f.Thresholds
	found.unless(t.Flag <= t.StepUp, "thresholds.flag: must not be more than thresholds.step_up")
	found.unless(t.StepUp <= t.Refuse, "thresholds.step_up: must not be more than thresholds.refuse")
	found.unless(t.Refuse <= t.Cap, "thresholds.refuse: must not be more than thresholds.cap, or nothing is refused")
	if len(found) > 0 {
		for i := range found {
			found[i] = name + ": " + found[i]
		}
		return p, &ConfigError{found}
	}
	p.FlagAt, p.StepUpAt, p.RefuseAt, p.SoftwareCap, p.NetworkCap = t.Flag, t.StepUp, t.Refuse, t.Cap, t.NetworkCap
	p.Weights = devices.Weights(f.Weights)
	if p.Version = f.Version; p.Version == "" {
		p.Version = fingerprintOf(f)
	}
	return p, nil
}

// fingerprintOf names weights by what they are: comments and the order of the
// keys make no difference, and the same weights never have two names.
func fingerprintOf(f policyFile) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", f))
	return fmt.Sprintf("file-%x", sum[:6])
}
