package cmd

// globals are the flags that every command takes.
type globals struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file (LANYARD_CONFIG; default: lanyard.yaml, if there is one)."`
	Dev    bool   `help:"Development: SQLite in ./lanyard.db, http on loopback, keys made as needed."`
	Output string `enum:"text,json" default:"text" help:"How to print: text or json."`
}

// commands is the command line. Each command's Run is beside its flags.
type commands struct {
	globals

	Config  configCmd  `cmd:"" help:"Print the effective configuration, secrets hidden, and check it."`
	Version versionCmd `cmd:"" help:"Print the version."`
}
