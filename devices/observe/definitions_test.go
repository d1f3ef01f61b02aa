package observe

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ua-parser/uap-go/uaparser"
)

// census returns the User-Agents of testdata/census.txt.gz, or of the file that
// LANYARD_CENSUS names, one a line.
func census(t testing.TB) []string {
	t.Helper()
	name := os.Getenv("LANYARD_CENSUS")
	if name == "" {
		name = "testdata/census.txt.gz"
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	lines := bufio.NewScanner(unpacked)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "# ") {
			all = append(all, line)
		}
	}
	if lines.Err() != nil || len(all) < 1000 {
		t.Fatalf("%d User-Agents in the census: %v", len(all), lines.Err())
	}
	return all
}

// same fails if the filtered reading of a text differs from uap-go's own.
func same(t *testing.T, plain *uaparser.Parser, text string) {
	t.Helper()
	u, o, d := loadDefinitions().read(text)
	if want := plain.ParseUserAgent(text); u != *want {
		t.Errorf("%q: the browser is %+v, uap-go says %+v", text, u, *want)
	}
	if want := plain.ParseOs(text); o != *want {
		t.Errorf("%q: the system is %+v, uap-go says %+v", text, o, *want)
	}
	if want := plain.ParseDevice(text); d != *want {
		t.Errorf("%q: the device is %+v, uap-go says %+v", text, d, *want)
	}
}

func plainParser(t testing.TB) *uaparser.Parser {
	t.Helper()
	plain, err := uaparser.New(uaparser.WithCacheSize(1))
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// The filter leaves out only expressions that could not match.
func TestTheFilterChangesNothing(t *testing.T) {
	plain := plainParser(t)
	for i, text := range census(t) {
		if i%everyNth != 0 {
			continue
		}
		same(t, plain, clean(text, maxAgent))
		if t.Failed() {
			return
		}
	}
}

// What is no User-Agent at all is read as uap-go reads it, too.
func FuzzTheFilterChangesNothing(f *testing.F) {
	for i, text := range census(f) {
		if i%97 == 0 {
			f.Add(text)
		}
	}
	f.Add("\u212aindle/3.0 \u017fafari/1 \xff\xc5")
	f.Add(strings.Repeat("Mozilla/5.0 (Linux; Android 10; ; ; ", 14))
	plain := plainParser(f)
	loadDefinitions() // a first call that compiles them would take too long for the fuzzing engine
	f.Fuzz(func(t *testing.T, text string) { same(t, plain, text[:min(len(text), maxAgent)]) })
}

// What an expression needs is in every text that it matches.
func TestNeeds(t *testing.T) {
	for expression, want := range map[string]string{
		`abc`:                 "[abc]",
		`(?i)ABC`:             "[abc]",
		`(?i)kiss`:            "[kiss]",
		`a(?:bc|de)f`:         "[abcf adef]",
		`^(?:Foo|Barbar)/\d+`: "[barbar/ foo/]",
		`foo.*barbar`:         "[foo] [barbar]",
		`foo(?:x)?bar`:        "[foobar fooxbar]",
		`foox*bar`:            "[foo] [bar]",
		`(?:foo)+`:            "[foo]",
		`(?:foo){2,3}`:        "[foo]",
		`(?:foo){0,3}`:        "",
		`[ab]cd`:              "[acd bcd]",
		`[a-z]cde`:            "[cde]",
		`a.c`:                 "",
		`(?:foo|b)`:           "",
		`(?:foo.*|bar.*)`:     "[bar foo]",
		`foo|`:                "",
		`caféteria`:           "[caf] [teria]",
		`foo$|\bbar`:          "[bar foo]",
	} {
		re, err := syntax.Parse(expression, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range needOf(re).all() {
			got = append(got, fmt.Sprint(c))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s needs %v, want %s", expression, got, want)
		}
	}
}

// BenchmarkDefinitions reads the census with uap-go alone and with the filter,
// in one run, and reports how many times as long uap-go alone takes:
// LANYARD_CENSUS=all.txt.gz go test ./devices/observe -run - -bench Definitions -benchtime 3x.
// Of several readings of a User-Agent, the fastest counts, which leaves out
// the time that other programs take.
func BenchmarkDefinitions(b *testing.B) {
	texts := census(b)
	plain, filtered := plainParser(b), loadDefinitions()
	alone, fast := make([]time.Duration, len(texts)), make([]time.Duration, len(texts))
	for b.Loop() {
		for i, text := range texts {
			text = clean(text, maxAgent)
			start := time.Now()
			plain.ParseUserAgent(text)
			plain.ParseOs(text)
			plain.ParseDevice(text)
			alone[i] = fastest(alone[i], time.Since(start))
			start = time.Now()
			filtered.read(text)
			fast[i] = fastest(fast[i], time.Since(start))
		}
	}
	slices.Sort(alone)
	slices.Sort(fast)
	b.ReportMetric(total(alone)/total(fast), "whole-ratio")
	for name, at := range map[string]int{"median": len(texts) / 2, "p99": len(texts) * 99 / 100, "worst": len(texts) - 1} {
		b.ReportMetric(float64(alone[at].Microseconds()), name+"-plain-µs")
		b.ReportMetric(float64(fast[at].Microseconds()), name+"-µs")
		b.ReportMetric(float64(alone[at])/float64(fast[at]), name+"-ratio")
	}
}

func fastest(before, now time.Duration) time.Duration {
	if before == 0 {
		return now
	}
	return min(before, now)
}

func total(all []time.Duration) (sum float64) {
	for _, d := range all {
		sum += float64(d)
	}
	return sum
}
