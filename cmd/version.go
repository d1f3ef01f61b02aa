package cmd

import (
	"runtime"
	"runtime/debug"
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
	return a.say(built, "lanyard %s (%s, %s/%s)", built["version"], built["go"], built["os"], built["arch"])
}
