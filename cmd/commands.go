package cmd

import (
	"fmt"
	"slices"
	"strings"
)

// globals are the flags that every command takes.
type globals struct {
	Config  string      `short:"c" placeholder:"FILE" help:"Configuration file (LANYARD_CONFIG; default: lanyard.yaml, if there is one)."`
	Dev     bool        `help:"Development: SQLite in ./lanyard.db, http on loopback, keys made as needed."`
	Output  output      `short:"o" placeholder:"HOW" help:"How to print: text (the default of all but simulate) or json."`
	Version versionFlag `help:"Print the version."`
}

// output is how to print.
type output string

// Validate is called by the parser.
func (o output) Validate() error { return oneOf(string(o), "text", "json") }

// oneOf returns the mistake of a value that is none of those that there are.
func oneOf(value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", value, strings.Join(values, ", "))
}

// commands is the command line. Each command's Run is beside its flags.
type commands struct {
	globals

	Demo     demoCmd     `cmd:"" help:"Tell the story of the product on a throw-away database."`
	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Health   healthCmd   `cmd:"" help:"Ask the server whether it can serve."`
	Migrate  migrateCmd  `cmd:"" help:"Change the schema of the database."`
	Clients  clientsCmd  `cmd:"" help:"Manage OAuth clients, on the database."`
	Users    usersCmd    `cmd:"" help:"Manage users whose passwords are kept here, on the database."`
	Keys     keysCmd     `cmd:"" help:"Manage the server's keys, on the database."`
	Devices  devicesCmd  `cmd:"" help:"Look at devices and end them, through the admin API."`
	Grants   grantsCmd   `cmd:"" help:"Look at grants and end them, through the admin API."`
	Consents consentsCmd `cmd:"" help:"See which clients have access to what is a subject's and withdraw it, through the admin API."`
	Events   eventsCmd   `cmd:"" help:"Read what happened, through the admin API."`
	Simulate simulateCmd `cmd:"" help:"Judge recorded or made-up sightings, a JSON object a line, and say how right it was."`
	Config   configCmd   `cmd:"" help:"Print the effective configuration, secrets hidden, and check it."`
	Doctor   doctorCmd   `cmd:"" help:"Check an installation, with what is missing to paste."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
	Help     helpCmd     `cmd:"" help:"Explain a command, or list them all."`
}
