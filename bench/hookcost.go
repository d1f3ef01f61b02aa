package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tick is the unit of processor time in /proc, in milliseconds (proc(5); it is
// 100 a second wherever Linux runs).
const tick = 10.0

// spent returns the processor time that this process and those it started
// have used so far, in milliseconds, by the name of the program. The
// connections that PostgreSQL has closed count too.
func spent() (map[string]float64, error) {
	parents, names, used := map[int]int{}, map[int]string{}, map[int]float64{}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		from, to := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
		names[pid], _, _ = strings.Cut(string(text[from+1:to]), "-") // hydra-0123456789
		fields := strings.Fields(string(text[to+1:]))                // from the third on
		parents[pid], _ = strconv.Atoi(fields[1])
		for _, field := range fields[11:15] { // its own and its ended children's
			ticks, _ := strconv.ParseFloat(field, 64)
			used[pid] += ticks * tick
		}
	}
	names[os.Getpid()] = "bench"
	programs := map[string]float64{}
	for pid, name := range names {
		for up := pid; up > 1; up = parents[up] {
			if up == os.Getpid() {
				programs[name] += used[pid]
				break
			}
		}
	}
	return programs, nil
}

// cost is the processor time of a contestant, by the name of the program.
type cost struct {
	spent      map[string]float64 // milliseconds
	operations int
}

// compare measures contestants as measure does, and tells what processor time
// an operation takes where. On a machine that others use too it is that which
// travels: the rates of its busy processors are their share.
func compare(ctx context.Context, p plan, watch *sql.DB, contestants []contestant, workers int) error {
	results, costs := make([]result, len(contestants)), make([]cost, len(contestants))
	for range p.rounds {
		for i, c := range contestants {
			before, err := spent()
			if err != nil {
				return err
			}
			once, err := measure(ctx, plan{rounds: 1, slice: p.slice}, watch, []contestant{c}, workers)
			if err != nil {
				return err
			}
			after, err := spent()
			if err != nil {
				return err
			}
			costs[i].add(before, after, len(once[0].times))
			r := &results[i]
			r.name = c.name
			r.rates = append(r.rates, once[0].rates...)
			r.times = append(r.times, once[0].times...)
			r.wal += once[0].wal / float64(p.rounds)
			r.ratios = append(r.ratios, once[0].rates[0]/results[0].rates[len(r.rates)-1])
		}
	}
	report(workers, results)
	programs := []string{"hydra", "lanyard", "postgres", "bench"}
	fmt.Printf("%-24s %10s", "CPU ms/op", "all")
	for _, name := range programs {
		fmt.Printf(" %9s", name)
	}
	fmt.Println()
	for i, c := range costs {
		var all float64
		line := ""
		for _, name := range programs {
			each := c.spent[name] / float64(c.operations)
			all += each
			line += fmt.Sprintf(" %9.2f", each)
		}
		fmt.Printf("%-24s %10.2f%s\n", results[i].name, all, line)
	}
	return nil
}

func (c *cost) add(before, after map[string]float64, operations int) {
	if c.spent == nil {
		c.spent = map[string]float64{}
	}
	for name, used := range after {
		c.spent[name] += used - before[name]
	}
	c.operations += operations
}
