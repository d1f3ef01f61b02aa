package cmd

import (
	"slices"

	"github.com/alecthomas/kong"
)

// list is a flag of several values, separated by commas or repeated. Not given
// is nil; an empty value empties it, which kong's own slices cannot say.
type list []string

// Decode adds the values of one flag.
func (l *list) Decode(c *kong.DecodeContext) error {
	var text string
	if err := c.Scan.PopValueInto("value", &text); err != nil {
		return err
	}
	given := slices.DeleteFunc(kong.SplitEscaped(text, ','), func(v string) bool { return v == "" })
	if *l = append(*l, given...); *l == nil {
		*l = list{}
	}
	return nil
}
