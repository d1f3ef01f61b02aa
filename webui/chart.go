package webui

import (
	"time"

	"github.com/lanyard-id/lanyard/webui/records"
)

const (
	day       = 24 * time.Hour
	chartDays = 14
	// Of the drawing, in its own units.
	barWidth, chartHeight = 20, 80
)

// chart is the verdicts of the last days, drawn on the server: a bar for each
// day, in parts for the decisions.
type chart struct {
	Bars   []bar
	Totals []total
	Width  int
	Height int
}

// bar is a part of a day's bar.
type bar struct {
	X, Y, Height int
	Decision     string
}

// total is how often a decision was taken over all days.
type total struct {
	Decision string
	Count    int
}

func newChart(tallies []records.Tally, now time.Time) chart {
	c := chart{Width: chartDays * barWidth, Height: chartHeight}
	today := now.UTC().Truncate(day)
	counts := map[string][chartDays]int{}
	sums, most := [chartDays]int{}, 1
	for _, t := range tallies {
		i := chartDays - 1 - int(today.Sub(t.Day.Truncate(day))/day)
		if i < 0 || i >= chartDays {
			continue
		}
		days := counts[t.Decision]
		days[i] += t.Count
		counts[t.Decision] = days
		sums[i] += t.Count
		most = max(most, sums[i])
	}
	var tops [chartDays]int
	for _, decision := range []string{"refuse", "step_up", "flag", "allow"} {
		sum := 0
		for i, n := range counts[decision] {
			sum += n
			if n == 0 {
				continue
			}
			height := max(2, n*chartHeight/most)
			tops[i] += height
			c.Bars = append(c.Bars, bar{X: i * barWidth, Y: chartHeight - tops[i], Height: height, Decision: decision})
		}
		c.Totals = append(c.Totals, total{decision, sum})
	}
	return c
}
