package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corpus is the example of the documentation.
func corpus(t *testing.T) string {
	t.Helper()
	name, err := filepath.Abs("../docs/sightings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// hit and score are parts of the summary that scripts read.
type hit struct {
	Detected    int `json:"detected"`
	FalseAlarms int `json:"false_alarms"`
}

type score struct {
	Theft  int `json:"theft"`
	Legit  int `json:"legit"`
	After  int `json:"legit_after_theft"`
	Flag   hit `json:"flag"`
	StepUp hit `json:"step_up"`
	Refuse hit `json:"refuse"`
}

type outcome struct {
	Lines    int            `json:"lines"`
	Grants   int            `json:"grants"`
	Policy   string         `json:"policy_version"`
	Mode     string         `json:"mode"`
	Verdicts map[string]int `json:"verdicts"`
	PerLine  *score         `json:"per_line"`
	PerGrant *score         `json:"per_grant"`
}

// simulated returns what was printed: "verdict reasons" by line, and the
// summary, which must come last.
func simulated(t *testing.T, out string) (map[int]string, outcome) {
	t.Helper()
	verdicts := map[int]string{}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, text := range lines[:len(lines)-1] {
		var l struct {
			Line    int      `json:"line"`
			Verdict string   `json:"verdict"`
			Reasons []string `json:"reasons"`
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Reasons == nil {
			t.Fatalf("not the verdict on a line: %s (%v)", text, err)
		}
		verdicts[l.Line] = strings.TrimSpace(l.Verdict + " " + strings.Join(l.Reasons, " "))
	}
	var last struct{ Summary outcome }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	return verdicts, last.Summary
}

// The example is a story on each line that is not plainly allowed.
func TestSimulateTheExample(t *testing.T) {
	example := corpus(t)
	m := newTerminal(t)
	out, _ := m.runs(0, "simulate", "--input", example)
	verdicts, summary := simulated(t, out)
	if len(verdicts) != 58 {
		t.Errorf("%d lines were judged, want 58", len(verdicts))
	}
	remarkable := map[int]string{}
	for line, verdict := range verdicts {
		if verdict != "allow" {
			remarkable[line] = verdict
		}
	}
	want := map[int]string{
		18: "flag new_network",
		22: "flag response_lost",
		28: "refuse key_missing",
		29: "flag new_network",
		30: "refuse reuse",
		34: "step_up browser_changed",
		35: "flag version_downgrade evidence_mismatch",
		40: "refuse os_changed browser_changed",
		41: "refuse grant_revoked",
		47: "allow os_changed", // desktop pages
		48: "refuse grant_revoked",
		51: "step_up model_changed version_downgrade",
		52: "allow os_changed",
	}
	if diff := cmp.Diff(want, remarkable); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	summary.Policy = ""
	expected := outcome{
		Lines: 58, Grants: 12, Mode: "enforce",
		Verdicts: map[string]int{"allow": 47, "flag": 4, "step_up": 2, "refuse": 5},
		PerLine:  &score{Theft: 10, Legit: 41, After: 7, Flag: hit{7, 2}, StepUp: hit{5, 0}, Refuse: hit{3, 0}},
		// One of the seven is found by the owner's next refresh alone.
		PerGrant: &score{Theft: 7, Legit: 12, Flag: hit{6, 2}, StepUp: hit{5, 0}, Refuse: hit{3, 0}},
	}
	if diff := cmp.Diff(expected, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestSimulateReadsStandardInput(t *testing.T) {
	text, err := os.ReadFile(corpus(t))
	if err != nil {
		t.Fatal(err)
	}
	m := newTerminal(t)
	m.stdin = string(text) + "\n\n"
	fromFile, _ := m.runs(0, "simulate", "--input", writes(t, "sightings.jsonl", string(text)))
	out, _ := m.runs(0, "simulate", "--input", "-")
	if out != fromFile {
		t.Error("standard input is judged otherwise than a file")
	}
	forPeople, _ := m.runs(0, "simulate", "--input", "-", "--output", "text")
	for _, want := range []string{"40  refuse   os_changed browser_changed\n", "58 lines of 12 grants", "7 of 10 (70.0%)"} {
		if !strings.Contains(forPeople, want) {
			t.Errorf("the text lacks %q:\n%s", want, forPeople)
		}
	}
}

// writes puts a file into the working directory.
func writes(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const goodLine = `{"at":"2026-11-23T09:00:00Z","subject":"ada","device":"laptop","grant":"g1","ip":"203.0.113.10"` +
	`,"headers":{"User-Agent":["Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"]}}`

func TestSimulateJudgesNothingWhereALineIsMistaken(t *testing.T) {
	with := func(member string) string { return strings.TrimSuffix(goodLine, "}") + "," + member + "}" }
	without := func(member string) string {
		return strings.Replace(goodLine, `"`+member+`"`, `"`+member+`":"","client"`, 1)
	}
	m := newTerminal(t)
	for _, row := range []struct{ line, complaint string }{
		{`{"at":`, "not a JSON object: it is cut off"},
		{`hello`, "not a JSON object: invalid character 'h' looking for beginning of value"},
		{`[]`, "line: must be an object, is a list"},
		{goodLine + goodLine, "more than one JSON object on the line"},
		{with(`"browser":"Firefox"`), "browser: unknown member"},
		{with(`"geo":{"country":"DE","town":"Bonn"}`), "town: unknown member"},
		{with(`"geo":{"asn":"AS3320"}`), "geo.asn: must be a whole number, is text"},
		{with(`"geo":{"lat":1}`), "geo: lat and lon belong together"},
		{with(`"geo":{"lat":91,"lon":0}`), "geo.lat: must be from -90 to 90"},
		{with(`"geo":{"lat":0,"lon":-181}`), "geo.lon: must be from -180 to 180"},
		{with(`"geo":{"radius_km":-1}`), "geo.radius_km: must not be negative"},
		{without("at"), "at: required"},
		{without("subject"), "subject: required"},
		{without("grant"), "grant: required"},
		{strings.Replace(goodLine, "T09", " 09", 1), "at: must be a time such as 2026-11-23T09:00:00Z (RFC 3339)"},
		{strings.Replace(goodLine, "203.", "2003.", 1), `ip: "2003.0.113.10" is no address`},
		{with(`"binding":"tight"`), `binding: must be device_status, observed, forwarded or dpop, is "tight"`},
		{with(`"label":"fraud"`), `label: must be legit or theft, is "fraud"`},
		{with(`"generation":-1`), "generation: must not be negative"},
		{with(`"generation":1.5`), "generation: must be a whole number, is a number"},
		{strings.Replace(goodLine, `"ada"`, `"grace"`, 1), `subject: grant "g1" is of "ada" on an earlier line`},
		{strings.Repeat(" ", 1<<20) + goodLine, "longer than 1048576 bytes"},
	} {
		m.stdin = goodLine + "\n\n" + row.line + "\n" + goodLine
		out, errs := m.runs(1, "simulate", "--input", "-")
		if want := "lanyard simulate: line 3: " + row.complaint + "\n"; errs != want || out != "" {
			t.Errorf("%.80s\ngot  %s%s\nwant %s", row.line, out, errs, want)
		}
	}
	for _, wrong := range [][]string{
		{"simulate"}, {"simulate", "--input", "-", "--mode", "strict"}, {"simulate", "--input", "-", "more"},
	} {
		m.runs(2, wrong...)
	}
	m.runs(1, "simulate", "--input", "nowhere.jsonl")
}

// A policy file changes what is found, in the command and in nothing else.
func TestSimulateByAnotherPolicy(t *testing.T) {
	example := corpus(t)
	m := newTerminal(t)
	lenient := writes(t, "lenient.yaml", "version: lenient-1\nthresholds: {refuse: 60, cap: 60, step_up: 50, flag: 45}\n")
	out, _ := m.runs(0, "simulate", "--input", example, "--policy", lenient)
	verdicts, summary := simulated(t, out)
	if summary.Policy != "lenient-1" || verdicts[40] != "flag os_changed browser_changed" || verdicts[30] != "refuse reuse" {
		t.Errorf("policy %q: line 40 %q, line 30 %q", summary.Policy, verdicts[40], verdicts[30])
	}
	strict := writes(t, "strict.yaml", "weights: {browser_changed: 30, model_changed: 30}\n")
	out, _ = m.runs(0, "simulate", "--input", example, "--policy", strict)
	_, summary = simulated(t, out)
	named := summary.Policy
	if !strings.HasPrefix(named, "file-") || summary.PerLine.Refuse.Detected != 4 {
		t.Errorf("policy %q refuses %d", named, summary.PerLine.Refuse.Detected)
	}
	same := writes(t, "same.yaml", "# the same weights\nweights:\n  model_changed: 30\n  browser_changed: 30\n  os_changed: 25\n")
	writes(t, "lanyard.yaml", fmt.Sprintf("policy: {file: %s, mode: observe}\n", same))
	out, _ = m.runs(0, "simulate", "--input", example)
	if _, summary = simulated(t, out); summary.Policy != named || summary.Mode != "enforce" {
		t.Errorf("the same weights have another name: %q, %q (mode %s)", named, summary.Policy, summary.Mode)
	}
	out, _ = m.runs(0, "simulate", "--input", example, "--mode", "observe")
	if _, summary = simulated(t, out); summary.Verdicts["step_up"] != 0 || summary.Verdicts["refuse"] == 0 {
		t.Errorf("observing: %v", summary.Verdicts)
	}
}

// Where a line came from counts, and not where that is nowhere.
func TestSimulateWhere(t *testing.T) {
	m := newTerminal(t)
	line := func(hour int, ip, geo string) string {
		return fmt.Sprintf(`{"at":"2026-11-23T%02d:00:00Z","subject":"ada","device":"laptop","grant":"g1","ip":%q,`+
			`"headers":{"User-Agent":"okhttp/4.12.0"},"geo":%s}`+"\n", hour, ip, geo)
	}
	const newYork = `{"country":"US","lat":40.71,"lon":-74.01,"radius_km":20,"asn":64500,"kind":"fixed"}`
	london := func(kind string) string {
		return `{"country":"GB","lat":51.51,"lon":-0.13,"radius_km":20,"asn":64510,"kind":"` + kind + `"}`
	}
	m.stdin = line(9, "203.0.113.10", newYork) + line(11, "192.0.2.66", london("mobile")) +
		line(12, "10.1.2.3", london("mobile")) + line(13, "192.0.2.66", london("anonymiser")) + line(14, "203.0.113.10", newYork)
	out, _ := m.runs(0, "simulate", "--input", "-")
	verdicts, _ := simulated(t, out)
	want := map[int]string{
		1: "allow", 2: "step_up new_country new_network impossible_travel", 3: "allow",
		4: "flag new_country new_network anonymiser", 5: "allow",
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	weightless := writes(t, "weightless.yaml", "weights: {new_country: 0, new_carrier: 0, anonymiser: 0, impossible_travel: 0, fast_travel: 0}\n")
	out, _ = m.runs(0, "simulate", "--input", "-", "--policy", weightless)
	if verdicts, _ = simulated(t, out); verdicts[2] != "allow" || verdicts[4] != "allow" {
		t.Errorf("without weights: %v", verdicts)
	}
}

func TestPolicyFilesAreChecked(t *testing.T) {
	m := newTerminal(t)
	for _, row := range []struct{ text, complaints string }{
		{"weights: {os_change: 3}", `weights.os_change: unknown key (did you mean "weights.os_changed"?)`},
		{"os_changed: 3", `os_changed: unknown key (did you mean "weights.os_changed"?)`},
		{"weights: {os_changed: many}", "weights.os_changed: must be a whole number, is text"},
		{"weights: {os_changed: -3}", "weights.os_changed: must be at least 0"},
		{"thresholds: {flag: 30}", "thresholds.flag: must not be more than thresholds.step_up"},
		{"thresholds: {step_up: 30}", "thresholds.step_up: must not be more than thresholds.refuse"},
		{"thresholds: {cap: 20}", "thresholds.refuse: must not be more than thresholds.cap, or nothing is refused"},
		{"weights: [1]", "weights: must be a section with keys, is a list"},
	} {
		writes(t, "policy.yaml", row.text)
		_, errs := m.runs(1, "simulate", "--input", "-", "--policy", "policy.yaml")
		if want := "lanyard simulate: policy.yaml: " + row.complaints + "\n"; errs != want {
			t.Errorf("%s\ngot  %swant %s", row.text, errs, want)
		}
		t.Setenv("LANYARD_POLICY_FILE", "policy.yaml")
		_, errs = m.runs(1, "--dev", "config")
		t.Setenv("LANYARD_POLICY_FILE", "")
		if want := "lanyard config: policy.file: policy.yaml: " + row.complaints + "\n"; errs != want {
			t.Errorf("config: %s\ngot  %swant %s", row.text, errs, want)
		}
	}
	writes(t, "policy.yaml", "version: [")
	m.runs(1, "simulate", "--input", "-", "--policy", "policy.yaml")
	m.runs(1, "simulate", "--input", "-", "--policy", "none.yaml")
}
