package webui

import (
	"fmt"
	"strings"
	"time"
)

// dates is how a language writes a day and an hour. x/text has no dates yet
// (CLDR's medium patterns, by hand).
type dates struct {
	pattern string // of day, month and year, in that order of arguments
	near    string // the same without the year
	clock   string // a layout of package time
	months  []string
}

func datesIn(code string) dates {
	months := map[string]string{
		"en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
		"de": "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
		"fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
		"es": "ene feb mar abr may jun jul ago sept oct nov dic",
		"zh": "1 2 3 4 5 6 7 8 9 10 11 12",
		"ja": "1 2 3 4 5 6 7 8 9 10 11 12",
	}
	patterns := map[string]string{
		"de": "%[1]d. %[2]s %[3]d, ", "zh": "%[3]d年%[2]s月%[1]d日 ", "ja": "%[3]d年%[2]s月%[1]d日 ",
	}
	near := map[string]string{"de": "%[1]d. %[2]s, ", "zh": "%[2]s月%[1]d日 ", "ja": "%[2]s月%[1]d日 "}
	d := dates{pattern: "%[1]d %[2]s %[3]d, ", near: "%[1]d %[2]s, ", clock: "15:04", months: strings.Fields(months[code])}
	if p := patterns[code]; p != "" {
		d.pattern, d.near = p, near[code]
	}
	return d
}

// Stamp is a time on a page: in words, exactly, and for machines.
type Stamp struct {
	Text  string // what is said of it
	Aside string // the other way to say it, counted or exact, in a week without its year; may be empty
	Exact string // in UTC, to the second
	ISO   string
	// Relative reports that the text counts back from now, and the aside does
	// not.
	Relative bool
}

// Absolute returns a time as a day and an hour.
func (l *Locale) Absolute(t time.Time) Stamp {
	t = t.UTC()
	return Stamp{
		Text: l.day(t) + t.Format(l.dates.clock) + " UTC", Exact: t.Format("2006-01-02 15:04:05 UTC"),
		ISO: t.Format(time.RFC3339),
	}
}

// Stamp returns a time as people say it: what is less than a week ago is
// counted back.
func (l *Locale) Stamp(t, now time.Time) Stamp {
	if t.IsZero() {
		return Stamp{}
	}
	s := l.Absolute(t)
	var counted string
	switch ago := now.Sub(t); {
	case ago < 0, ago >= 7*24*time.Hour:
		return s
	case ago < time.Minute:
		counted = l.T("just now")
	case ago < time.Hour:
		counted = l.T("%d minutes ago", int(ago.Minutes()))
	case ago < 24*time.Hour:
		counted = l.T("%d hours ago", int(ago.Hours()))
	default:
		counted = l.T("%d days ago", int(ago.Hours()/24))
	}
	t = t.UTC()
	s.Text, s.Relative = counted, true
	s.Aside = fmt.Sprintf(l.dates.near, t.Day(), l.dates.months[t.Month()-1]) + t.Format(l.dates.clock) + " UTC"
	return s
}

// Until returns the end of something that goes on: exactly, and how far off it
// is.
func (l *Locale) Until(t, now time.Time) Stamp {
	s := l.Absolute(t)
	switch left := t.Sub(now); {
	case left < time.Minute:
	case left < time.Hour:
		s.Aside = l.T("in %d minutes", int(left.Minutes()))
	case left < 24*time.Hour:
		s.Aside = l.T("in %d hours", int(left.Hours()))
	default:
		s.Aside = l.T("in %d days", int(left.Hours()/24))
	}
	return s
}

// day returns a day with what stands between it and an hour.
func (l *Locale) day(t time.Time) string {
	return fmt.Sprintf(l.dates.pattern, t.Day(), l.dates.months[t.Month()-1], t.Year())
}

// Day returns a day of UTC as the language writes it.
func (l *Locale) Day(t time.Time) string { return strings.TrimRight(l.day(t.UTC()), ", ") }
