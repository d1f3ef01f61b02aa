package operator

import (
	"fmt"
	"time"

	"golang.org/x/text/number"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/records"
)

const (
	day       = 24 * time.Hour
	chartDays = 14
	// Of the drawing, in its own units.
	dayWidth, barWidth, chartHeight = 20, 16, 80
)

// chart is counts of the last days, drawn on the server: a bar for each day, in
// parts. The same is there as a table, for whoever cannot see bars.
type chart struct {
	ID, Title     string
	Bars          []bar
	Totals        []total
	Days          []row
	First, Last   string // the days at its ends
	Width, Height int
}

// bar is a part of a day's bar. Its class says of which kind.
type bar struct {
	X, Y, Width, Height int
	Class               string
}

// total is how much of a kind there was over all days.
type total struct {
	Class, Word string
	Count       int
}

// row is a day of the table, with a count for each kind.
type row struct {
	Day    string
	Counts []int
}

// tally is how much of a kind there was on a day.
type tally struct {
	day   time.Time
	kind  string
	count int
}

// newChart draws counts; the kinds are drawn one upon the other, in that order.
func newChart(
	l *webui.Locale, id, title string, kinds []string, words func(*webui.Locale, string) string,
	tallies []tally, now time.Time,
) chart {
	c := chart{ID: id, Title: title, Width: chartDays * dayWidth, Height: chartHeight}
	today := now.UTC().Truncate(day)
	counts := map[string]*[chartDays]int{}
	for _, kind := range kinds {
		counts[kind] = &[chartDays]int{}
	}
	sums, most := [chartDays]int{}, 1
	for _, t := range tallies {
		i := chartDays - 1 - int(today.Sub(t.day.UTC().Truncate(day))/day)
		if i < 0 || i >= chartDays || counts[t.kind] == nil {
			continue
		}
		counts[t.kind][i] += t.count
		sums[i] += t.count
	}
	for _, sum := range sums {
		most = max(most, sum)
	}
	c.Days = make([]row, chartDays)
	for i := range c.Days {
		c.Days[i].Day = l.Day(today.Add(time.Duration(i+1-chartDays) * day))
	}
	c.First, c.Last = c.Days[0].Day, c.Days[chartDays-1].Day
	var tops [chartDays]int
	for _, kind := range kinds {
		sum := 0
		for i, n := range counts[kind] {
			c.Days[i].Counts = append(c.Days[i].Counts, n)
			sum += n
			if n <= 0 {
				continue
			}
			height := max(2, n*chartHeight/most) // what is there is seen
			tops[i] += height
			c.Bars = append(c.Bars, bar{i * dayWidth, max(0, chartHeight-tops[i]), barWidth, height, kind})
		}
		c.Totals = append(c.Totals, total{kind, words(l, kind), sum})
	}
	return c
}

// verdictChart draws how often was decided what.
func verdictChart(l *webui.Locale, tallies []records.Tally, now time.Time) chart {
	var all []tally
	for _, t := range tallies {
		all = append(all, tally{t.Day, t.Decision, t.Count})
	}
	return newChart(l, "verdicts", l.T("Decisions, last 14 days"), decisions(), decisionWord, all, now)
}

// alarmChart draws what came of doubts. Beside it stands the rate of false
// alarms: of those that were answered.
func alarmChart(l *webui.Locale, tallies []records.Tally, answers []records.Answer, now time.Time) (chart, string) {
	var all []tally
	for _, t := range tallies {
		if t.Decision != devices.Allow.String() {
			all = append(all, tally{t.Day, unanswered, t.Count})
		}
	}
	wrong, right := 0, 0
	for _, a := range answers {
		all = append(all, tally{a.Day, string(a.Outcome), a.Count}, tally{a.Day, unanswered, -a.Count})
		switch a.Outcome {
		case records.OutcomeFalseAlarm:
			wrong += a.Count
		case records.OutcomeConfirmed:
			right += a.Count
		}
	}
	c := newChart(l, "alarms", l.T("Alert outcomes"), outcomes(), outcomeWord, all, now)
	if wrong+right == 0 {
		return c, l.T("No alert has been answered yet, so there is no false alarm rate.")
	}
	share := number.Percent(float64(wrong)/float64(wrong+right), number.MaxFractionDigits(1))
	return c, l.T("False alarms: %[1]s (%[2]d of %[3]d answered).",
		l.T("%v", share), wrong, wrong+right)
}

// Summary says the chart's totals in a line, for its drawing's label.
func (c chart) Summary() string {
	text := c.Title
	for i, t := range c.Totals {
		sign := ", "
		if i == 0 {
			sign = ": "
		}
		text += sign + fmt.Sprintf("%s %d", t.Word, t.Count)
	}
	return text
}
