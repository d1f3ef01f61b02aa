package cmd

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// version is set by the linker (-X) in a release build.
var version string

// Version returns what this binary is: the linker's word, else the module's.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

type versionCmd struct{}

// Run prints the version and what it was built with.
func (*versionCmd) Run(a *app) error {
	built := map[string]string{
		"version": Version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
	}
	return a.say(built, "%s", versionLine())
}

func versionLine() string {
	return fmt.Sprintf("lanyard %s (%s, %s/%s)", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionFlag is --version.
type versionFlag bool

// BeforeReset prints the version instead of doing anything else.
func (versionFlag) BeforeReset(parser *kong.Kong) error {
	_, err := fmt.Fprintln(parser.Stdout, versionLine())
	parser.Exit(exitGood)
	return err
}

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The words of the command."`
}

// Run prints the help of the command, as its flag --help does.
func (c *helpCmd) Run(a *app) error {
	if status := a.run(append(c.Command, "--help")); status != exitGood {
		return usageError{errors.New("")} // it has been said
	}
	return nil
}
