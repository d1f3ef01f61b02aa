package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// The exit statuses.
const (
	exitGood   = 0
	exitFailed = 1
	exitUsage  = 2
)

// app is what every command runs with.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	dir            string // the working directory
	now            func() time.Time
	flags          globals
}

// usageError is a mistake in the command line that only a command can see.
type usageError struct{ error }

// usagef returns a mistake in the command line.
func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// Main runs a command line (without the program's name) and returns the exit
// status: 0 good, 1 failed, 2 wrong usage. An interrupt ends it in order.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who is told twice does not wait
	a := &app{
		ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr,
		environ: os.Environ(), dir: ".", now: time.Now,
	}
	return a.run(args)
}

func (a *app) run(args []string) int {
	var tree commands
	exited := false
	parser, err := kong.New(&tree,
		kong.Name("lanyard"),
		kong.Description("Ties a sign-in to the device it happened on."),
		kong.Writers(a.stdout, a.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		return a.fail("", err)
	}
	line, err := parser.Parse(args)
	switch {
	case exited: // --help or --version was answered
		return exitGood
	case err != nil:
		return a.fail(misparsed(err))
	}
	a.flags = tree.globals
	if err := line.Run(a); err != nil {
		return a.fail(commandOf(line), err)
	}
	return exitGood
}

// wordsSoFar returns the words of the command that a line was understood as
// before its mistake, each after a space.
func wordsSoFar(err error) string {
	var wrong *kong.ParseError
	if !errors.As(err, &wrong) || wrong.Context == nil {
		return ""
	}
	words := ""
	for _, part := range wrong.Context.Path {
		if part.Command != nil {
			words += " " + part.Command.Name
		}
	}
	return words
}

// misparsed returns the command that a mistaken line is of, and the mistake
// without the name of the command, which some mistakes begin with.
func misparsed(err error) (string, error) {
	words := strings.TrimSpace(wordsSoFar(err))
	text := strings.TrimPrefix(err.Error(), words+": ")
	return words, usageError{fmt.Errorf("%s (try: %s --help)", text, strings.TrimSpace("lanyard "+words))}
}

// errInterrupted is what stopping a command makes of it.
var errInterrupted = errors.New("interrupted")

// commandOf returns the words of the chosen command, without its arguments.
func commandOf(line *kong.Context) string {
	words := []string{}
	for word := range strings.FieldsSeq(line.Command()) {
		if !strings.HasPrefix(word, "<") {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// fail prints an error, one line for each mistake, and returns the status.
func (a *app) fail(command string, err error) int {
	prefix := "lanyard: "
	if command != "" {
		prefix = "lanyard " + command + ": "
	}
	if a.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	said := map[string]bool{}
	for mistake := range strings.Lines(err.Error()) {
		if mistake = strings.TrimSpace(mistake); !said[mistake] { // drivers repeat themselves
			said[mistake] = true
			fmt.Fprintln(a.stderr, prefix+printable(mistake))
		}
	}
	var wrong usageError
	if errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailed
}

// getenv returns an environment variable, or "".
func (a *app) getenv(name string) string {
	value := ""
	for _, variable := range a.environ {
		if v, found := strings.CutPrefix(variable, name+"="); found {
			value = v
		}
	}
	return value
}

// config loads the configuration that the flags name.
func (a *app) config() (Config, error) {
	file := a.flags.Config
	if file == "" {
		file = a.getenv("LANYARD_CONFIG")
	}
	return Source{File: file, Dir: a.dir, Dev: a.flags.Dev, Environ: a.environ}.Load()
}
