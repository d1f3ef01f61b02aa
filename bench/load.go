package main

import (
	"context"
	"sync"
	"time"
)

// slice lets the workers do a contestant's work over and over for that long,
// and returns the milliseconds of each operation and how many there were a
// second.
func slice(ctx context.Context, c contestant, workers int, long time.Duration) ([]float64, float64, error) {
	type outcome struct {
		times []float64
		err   error
	}
	hands := make([]func(context.Context) error, workers)
	for n := range hands {
		var err error
		if hands[n], err = c.hand(n); err != nil {
			return nil, 0, err
		}
	}
	outcomes := make([]outcome, workers)
	var group sync.WaitGroup
	start := time.Now()
	for n, hand := range hands {
		group.Go(func() {
			o := &outcomes[n]
			for time.Since(start) < long && o.err == nil {
				began := time.Now()
				o.err = hand(ctx)
				o.times = append(o.times, float64(time.Since(began).Microseconds())/1000)
			}
		})
	}
	group.Wait()
	spent := time.Since(start).Seconds()
	var times []float64
	for _, o := range outcomes {
		if o.err != nil {
			return nil, 0, o.err
		}
		times = append(times, o.times...)
	}
	return times, float64(len(times)) / spent, nil
}
