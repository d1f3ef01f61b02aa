package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// row is a line of a table.
type row []string

// print writes a value as JSON, or the rows as a table under its header,
// whichever the flags ask for.
func (a *app) print(value any, header row, rows ...row) error {
	if a.flags.Output == "json" {
		return a.printJSON(value)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, r := range append([]row{header}, rows...) {
		if len(r) == 0 {
			continue
		}
		cells := make([]string, len(r))
		for i, cell := range r {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// say writes a sentence; as JSON, the value it is about.
func (a *app) say(value any, format string, args ...any) error {
	if a.flags.Output == "json" {
		return a.printJSON(value)
	}
	_, err := fmt.Fprintln(a.stdout, printable(fmt.Sprintf(format, args...)))
	return err
}

func (a *app) printJSON(value any) error {
	e := json.NewEncoder(plainJSON{a.stdout})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// printable replaces what would move a terminal's cursor or worse: names come
// from whoever signed in.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// plainJSON passes JSON on, each write one document, with escapes (RFC 8259 §7)
// for what printable replaces: it is read at terminals too.
type plainJSON struct{ to io.Writer }

// Write writes a document.
func (p plainJSON) Write(text []byte) (int, error) {
	plain := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r == '\n', unicode.IsPrint(r):
			plain = utf8.AppendRune(plain, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			plain = fmt.Appendf(plain, `\u%04x\u%04x`, high, low)
		default:
			plain = fmt.Appendf(plain, `\u%04x`, r)
		}
	}
	if _, err := p.to.Write(plain); err != nil {
		return 0, err
	}
	return len(text), nil
}

// stamp writes a time for people, in UTC, or "-" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// orDash keeps a table's columns where a cell would be empty.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
