package webui

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const ownSVG = `<?xml version="1.0"?><!-- made by hand --><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script>alert(1)</script><rect width="8" height="8"/></svg>`

// written writes a file and returns its path.
func written(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// pictures returns one picture of each kind, by the ending it is served with.
func pictures(t *testing.T) map[string][]byte {
	t.Helper()
	var asPNG, asJPEG bytes.Buffer
	dot := image.NewGray(image.Rect(0, 0, 1, 1))
	if err := png.Encode(&asPNG, dot); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&asJPEG, dot, nil); err != nil {
		t.Fatal(err)
	}
	webp, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"svg": []byte(ownSVG), "png": asPNG.Bytes(), "jpg": asJPEG.Bytes(), "webp": webp}
}

// TestALogoIsServedFromHere: by what it is, whatever it is called, and so that
// an SVG that is opened by itself runs no script.
func TestALogoIsServedFromHere(t *testing.T) {
	kinds := map[string]string{"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
	for kind, content := range pictures(t) {
		p, err := NewBrandedPages(Brand{Logo: written(t, "misnamed.txt", content)})
		if err != nil {
			t.Fatal(kind, err)
		}
		mux := http.NewServeMux()
		p.Mount(mux)
		page := httptest.NewRecorder()
		p.Render(page, httptest.NewRequest("GET", "/a/login", nil), http.StatusOK, "notice", noticePage{})
		source := regexp.MustCompile(`<img src="\.\./(assets/[^"]+)"`).FindStringSubmatch(page.Body.String())
		if source == nil {
			t.Fatalf("%s: no logo: %s", kind, page.Body)
		}
		if csp := page.Header().Get("Content-Security-Policy"); csp != policy(noticePage{}) {
			t.Errorf("%s: the page's policy is %s", kind, csp)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", "/"+source[1], nil))
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != kinds[kind] || !bytes.Equal(w.Body.Bytes(), content) {
			t.Errorf("%s: %d %s, %d bytes", kind, w.Code, h.Get("Content-Type"), w.Body.Len())
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none';") ||
			strings.Contains(h.Get("Content-Security-Policy"), "script") {
			t.Errorf("%s: %v", kind, h)
		}
	}
}

func TestWhatIsWrongWithABrand(t *testing.T) {
	for name, c := range map[string]struct {
		brand Brand
		want  string // empty: nothing is wrong
	}{
		"Lanyard's own":     {Brand{}, ""},
		"a name":            {Brand{Name: "Ünïcode & <Co>"}, ""},
		"a long name":       {Brand{Name: strings.Repeat("é", 41)}, "webui.brand.name: has more than 40 characters"},
		"a misleading name": {Brand{Name: "Bank\u202eknaB"}, "webui.brand.name: holds control"},
		"no logo there":     {Brand{Logo: filepath.Join(t.TempDir(), "none.svg")}, "webui.brand.logo: stat "},
		"a folder":          {Brand{Logo: t.TempDir()}, "is no file"},
		"a large logo":      {Brand{Logo: written(t, "a.png", make([]byte, maxLogo+1))}, "is larger than 128 KiB; make it smaller"},
		"a page":            {Brand{Logo: written(t, "a.svg", []byte("<!DOCTYPE html><svg></svg>"))}, "is neither SVG nor PNG"},
		"other XML":         {Brand{Logo: written(t, "a.svg", []byte("<svg></svg>"))}, "is neither SVG nor PNG"},
		"an empty file":     {Brand{Logo: written(t, "a.svg", nil)}, "is neither SVG nor PNG"},
		"a dark accent":     {Brand{Accent: "#0a6847"}, ""},
		"two accents":       {Brand{Accent: "#0a6847", AccentDark: "#7fd8b4"}, ""},
		"a pale accent": {
			Brand{Accent: "#ffcc00"},
			`webui.brand.accent: #ffcc00 has a contrast of 1.3:1 on the light pages (#fdecec), and text needs 4.5:1; try "#`,
		},
		"an accent too dark for dark pages": {
			Brand{Accent: "#0a6847", AccentDark: "#0a6847"},
			"webui.brand.accent_dark: #0a6847 has a contrast of",
		},
		"only the dark one": {Brand{AccentDark: "#7fd8b4"}, `webui.brand.accent: "" is no colour`},
		"no colour":         {Brand{Accent: "red"}, `webui.brand.accent: "red" is no colour; write it like "#1d4f91"`},
		"half a colour":     {Brand{Accent: "#1d4f9"}, "is no colour"},
		"more than one":     {Brand{Accent: "#1d4f91;}"}, "is no colour"},
		"a sign":            {Brand{Accent: "#+1+2+3"}, "is no colour"},
	} {
		err := c.brand.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if suggested := regexp.MustCompile(`try "(#[0-9a-f]{6})"`).FindStringSubmatch(errorText(err)); suggested != nil {
			fixed := c.brand
			if strings.Contains(err.Error(), "accent_dark") {
				fixed.AccentDark = suggested[1]
			} else {
				fixed.Accent = suggested[1]
			}
			if err := fixed.Check(); err != nil {
				t.Errorf("%s: what the error suggests is wrong too: %v", name, err)
			}
		}
	}
	every := Brand{Name: strings.Repeat("x", 41), Logo: "nowhere.svg", Accent: "red"}.Check()
	if lines := strings.Split(errorText(every), "\n"); len(lines) != 3 {
		t.Errorf("not every mistake at once: %q", lines)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTheGroundsAreThoseOfTheStyles: contrast is checked against the colours
// that the style sheets have.
func TestTheGroundsAreThoseOfTheStyles(t *testing.T) {
	var light, dark []string
	for _, sheet := range []string{"assets/style.css", "assets/owner.css"} {
		text, err := os.ReadFile(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(text), -1) {
			for _, ground := range regexp.MustCompile(`--(?:ground|sheet|\w+-ground): (#[0-9a-f]{6});`).FindAllStringSubmatch(block[1], -1) {
				if i == 0 {
					light = append(light, ground[1])
				} else {
					dark = append(dark, ground[1])
				}
			}
		}
	}
	for name, grounds := range map[string][2][]string{"light": {light, lightGrounds()}, "dark": {dark, darkGrounds()}} {
		slices.Sort(grounds[0])
		slices.Sort(grounds[1])
		if !slices.Equal(grounds[0], grounds[1]) {
			t.Errorf("%s: the styles have %v, and %v are checked", name, grounds[0], grounds[1])
		}
	}
}

// TestEveryPageIsOfItsService: name, title, logo, colours and help are on every
// page that people see, and nothing of Lanyard's own.
func TestEveryPageIsOfItsService(t *testing.T) {
	p, err := NewBrandedPages(Brand{
		Name: "Fjord & Co", Logo: written(t, "logo.svg", []byte(ownSVG)), Accent: "#0a6847", SupportURL: "https://help.example/start?a=1&b=2",
	})
	if err != nil {
		t.Fatal(err)
	}
	type page struct {
		name string
		data any
	}
	all := []page{
		{"login", struct {
			Action, Flow, Form, Identifier, ClientName, Error string
			Count                                             int
		}{}},
		{"consent", struct {
			Action, Flow, ClientName, ClientURI, LogoURI, Subject, Shown, SwitchAccount string
			Scopes                                                                      []string
		}{}},
		{"error", struct {
			Status                                       int
			Title, Text, Code, RequestID, Link, LinkText string
		}{}},
	}
	for _, s := range Samples("x") {
		all = append(all, page{s.Page, s.Data})
	}
	for _, one := range all {
		w := httptest.NewRecorder()
		p.Render(w, httptest.NewRequest("GET", "/login", nil), http.StatusOK, one.name, one.data)
		text := w.Body.String()
		for _, want := range []string{
			"– Fjord &amp; Co</title>", "<bdi>Fjord &amp; Co</bdi>", `/logo.svg" alt=""`, "/brand.css", `href="https://help.example/start?a=1&amp;b=2"`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s: %s", one.name, want, text)
			}
		}
		if strings.Contains(text, "Lanyard") {
			t.Errorf("%s speaks of Lanyard: %s", one.name, text)
		}
	}
}
