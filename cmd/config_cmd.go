package cmd

import (
	"errors"

	"github.com/knadh/koanf/parsers/yaml"
)

type configCmd struct {
	Schema bool `help:"Print the JSON schema of the configuration instead."`
}

// Run prints what is in force even where it is mistaken, so that the two can
// be compared; the mistakes are the error.
func (c *configCmd) Run(a *app) error {
	if c.Schema {
		_, err := a.stdout.Write(schemaText)
		return err
	}
	loaded, err := a.config()
	var mistakes *ConfigError
	if err != nil && !errors.As(err, &mistakes) {
		return err
	}
	if err := a.printConfig(loaded); err != nil {
		return err
	}
	complaints := loaded.Complete()
	if mistakes != nil {
		complaints = append(mistakes.Complaints, complaints...)
	}
	if len(complaints) > 0 {
		return &ConfigError{complaints}
	}
	return nil
}

func (a *app) printConfig(c Config) error {
	if a.flags.Output == "json" {
		return a.printJSON(c.effective)
	}
	text, err := yaml.Parser().Marshal(c.effective)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}
