package webui

import (
	"io/fs"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

// TestEveryTextIsTranslated: no page falls back to English halfway.
func TestEveryTextIsTranslated(t *testing.T) {
	pagetest.Translated(t, os.DirFS("."), 150)
	pagetest.NothingBare(t, os.DirFS("."))
	pagetest.LinksAreWhole(t, os.DirFS("."))
}

func TestLanguages(t *testing.T) {
	l, err := loadLocales([]fs.FS{files})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, query, asked, cookie, accept, want string }{
		{"nothing said", "", "", "", "", "en"},
		{"the browser's", "", "", "", "fr-CA,fr;q=0.9,en;q=0.8", "fr"},
		{"the best that there is", "", "", "", "sv,ja;q=0.5", "ja"},
		{"none of them", "", "", "", "sv", "en"},
		{"chosen earlier", "", "", "de", "fr", "de"},
		{"asked for", "es", "", "de", "fr", "es"},
		{"asked for, several", "xx es", "", "", "fr", "es"},
		{"asked of the client", "", "zh-TW", "", "fr", "zh"},
		{"nonsense", "<script>", "\x00", "<>", ";;;q=q", "en"},
		{"very much of it", strings.Repeat("a ", 5000), "", "", strings.Repeat("de,", 5000), "de"},
	} {
		r := httptest.NewRequest("GET", "/devices", nil)
		query := r.URL.Query()
		query.Set("ui_locales", tt.query)
		r.URL.RawQuery = query.Encode()
		r.Header.Set("Accept-Language", tt.accept)
		if tt.cookie != "" {
			r.Header.Set("Cookie", languageCookie+"="+tt.cookie)
		}
		if got := l.choose(r, tt.asked).Code; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	for tag, want := range map[string]string{"ar": "rtl", "he": "rtl", "fa": "rtl", "en": "ltr", "ja": "ltr", "az-Arab": "rtl"} {
		if got := direction(language.Make(tag)); got != want {
			t.Errorf("%s runs %s", tag, got)
		}
	}
}

func TestPluralsAndDates(t *testing.T) {
	l, err := loadLocales([]fs.FS{files})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 13, 5, 9, 0, time.UTC)
	want := map[string][]string{
		"en": {"1 minute ago", "2 hours ago", "10 Mar 2026, 08:30 UTC", "Used 1,234 times", "Used once"},
		"de": {"vor 1 Minute", "vor 2 Stunden", "10. März 2026, 08:30 UTC", "1.234-mal verwendet", "Einmal verwendet"},
		"fr": {"il y a 1 minute", "il y a 2 heures", "10 mars 2026, 08:30 UTC", "Utilisé 1\u00a0234 fois", "Utilisé une fois"},
		"es": {"hace 1 minuto", "hace 2 horas", "10 mar 2026, 08:30 UTC", "Usado 1.234 veces", "Usado una vez"},
		"zh": {"1 分钟前", "2 小时前", "2026年3月10日 08:30 UTC", "已使用 1,234 次", "已使用 1 次"},
		"ja": {"1 分前", "2 時間前", "2026年3月10日 08:30 UTC", "1,234 回使用", "1 回使用"},
	}
	for _, locale := range l.all {
		got := []string{
			locale.Stamp(now.Add(-time.Minute), now).Text, locale.Stamp(now.Add(-2*time.Hour), now).Text,
			locale.Stamp(time.Date(2026, 3, 10, 8, 30, 0, 0, time.UTC), now).Text,
			locale.T("Used %d times", 1234), locale.T("Used %d times", 1),
		}
		for i := range got {
			if got[i] != want[locale.Code][i] {
				t.Errorf("%s: %q, want %q", locale.Code, got[i], want[locale.Code][i])
			}
		}
	}
	if s := l.all[0].Stamp(now.Add(time.Hour), now); s.Relative || s.Exact != "2026-11-23 14:05:09 UTC" {
		t.Errorf("a time to come: %+v", s)
	}
	// Both ways to say it, the nearer one first.
	if s := l.all[0].Stamp(now.Add(-time.Hour), now); !s.Relative || s.Aside != "23 Nov, 12:05 UTC" {
		t.Errorf("an hour ago: %+v", s)
	}
	for left, want := range map[time.Duration]string{
		time.Second: "", 9 * time.Minute: "in 9 minutes", time.Hour: "in 1 hour", 90 * 24 * time.Hour: "in 90 days",
	} {
		if s := l.all[0].Until(now.Add(left), now); s.Relative || s.Aside != want || !strings.HasSuffix(s.Text, " UTC") {
			t.Errorf("in %s: %+v", left, s)
		}
	}
}

// TestThePlaceComesFirst: people read the city, and that it is new, before
// addresses and numbers.
func TestThePlaceComesFirst(t *testing.T) {
	l, err := loadLocales([]fs.FS{files})
	if err != nil {
		t.Fatal(err)
	}
	en := l.all[0]
	paris := devices.Network{
		Addr: netip.MustParseAddr("203.0.113.7"), ASN: 64500, City: "Paris", Country: "FR",
	}
	for _, tt := range []struct {
		network      devices.Network
		short, whole string
	}{
		{paris, "Paris, France", "Paris, France · 203.0.113.7 · AS64500"},
		{devices.Network{ASN: 64500, Country: "FR"}, "France", "France · AS64500"},
		{devices.Network{Addr: paris.Addr, ASN: 64500}, "203.0.113.7", "203.0.113.7 · AS64500"},
		{devices.Network{ASN: 64500}, "AS64500", "AS64500"},
		{devices.Network{}, "", ""},
	} {
		if got := en.where(tt.network); got != tt.short {
			t.Errorf("where %+v: %q, want %q", tt.network, got, tt.short)
		}
		if got := en.Place(tt.network); got != tt.whole {
			t.Errorf("place %+v: %q, want %q", tt.network, got, tt.whole)
		}
	}
	seen := devices.Judgment{Sighting: devices.Sighting{Network: paris}, Verdict: devices.Verdict{
		Decision: devices.Flag, Evidence: []devices.Evidence{{Reason: devices.ReasonNewCountry, Before: "DE", After: "FR"}},
	}}
	got := en.explain(seen, told{})
	if got.New != "New place" || got.Where != "Paris, France" || got.Details[0].Before != "Germany" || got.Details[0].After != "France" {
		t.Errorf("a sign-in in a new country: %+v", got)
	}
	seen.Verdict.Evidence[0] = devices.Evidence{Reason: devices.ReasonNewNetwork, Before: "AS64501", After: "AS64500"}
	if got := en.explain(seen, told{}); got.New != "" {
		t.Errorf("a new network in a known country is %q", got.New)
	}
}
