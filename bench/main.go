// Command bench measures what a refresh costs against the least it could
// cost, side by side in one run on one PostgreSQL.
//
//	go run ./bench refresh
//	go run ./bench ory
//	go run ./bench hook
//	go run ./bench pages
//	go run ./bench flood
//
// The floor is one bare single-row UPDATE of the same table through the same
// driver; beside Ory it is the same Hydra without us. Figures of one machine
// say little; the ratios to the floor travel.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// plan is how much is measured.
type plan struct {
	rounds int           // of slices, in which the contestants alternate
	slice  time.Duration // how long each one runs a round
	grants int
}

func run(ctx context.Context, args []string) error {
	races := map[string]func(context.Context, plan) error{"refresh": refresh, "ory": besideOry, "hook": hookAlone, "pages": pages, "flood": flood}
	if len(args) == 0 || races[args[0]] == nil {
		return fmt.Errorf("usage: bench refresh|ory|hook|pages|flood [-rounds N] [-slice 1s] [-grants N]")
	}
	var p plan
	flags := flag.NewFlagSet("bench "+args[0], flag.ContinueOnError)
	flags.IntVar(&p.rounds, "rounds", 5, "how often each contestant runs")
	flags.DurationVar(&p.slice, "slice", time.Second, "how long it runs each time")
	flags.IntVar(&p.grants, "grants", 512, "how many grants there are; at least 16. One of them may refresh 150 times at once")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if p.rounds < 1 || p.slice <= 0 || p.grants < 16 {
		return fmt.Errorf("rounds and slice must be positive, grants at least 16")
	}
	return races[args[0]](ctx, p)
}
