// Package cmd is the command line: configuration, commands, and the wiring of
// all rooms. It is the only package that knows them all.
//
// # Objects
//
// [Main] runs a command line. [Source] loads a [Config] from defaults, file
// and environment.
//
// # Guarantees
//
//   - A configuration is complained of once, about everything ([ConfigError]).
//   - A [Secret] does not print.
//   - Exit status 0 is good, 1 failed, 2 wrong usage.
//
// # Decisions
//
// lanyard.schema.json is the one place where a setting's meaning, default and
// bounds are written. The struct is filled from it, and a test holds
// docs/configuration.md to it.
//
// # Not here
//
// No rule about devices, tokens or clients: commands call the rooms.
package cmd
