package webui

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard/devices"
)

// Brand is whose service people sign in to, as the pages show it. Its zero
// value is Lanyard's own.
type Brand struct {
	Name       string // in the head of each page and in its title
	Logo       string // a file: SVG, PNG, JPEG or WebP
	Accent     string // of links and buttons on light pages, "#rrggbb"
	AccentDark string // … on dark pages; empty: Accent, lightened as needed
	SupportURL string // where people get help
}

const (
	maxLogo      = 128 << 10 // bytes
	maxBrandName = 40        // characters
	// leastContrast is what text needs on its background (WCAG 2.2, 1.4.3).
	leastContrast = 4.5
)

// The backgrounds of links and buttons: those of style.css and owner.css.
func lightGrounds() []string { return []string{"#ffffff", "#f4f5f7", "#fff3dc", "#fdecec"} }
func darkGrounds() []string  { return []string{"#1b1f24", "#101316", "#33270f", "#3a1b1e"} }

// shownBrand is a brand as the templates see it.
type shownBrand struct {
	Name, SupportURL string
	Own              bool   // it is not Lanyard's
	Logo             string // the name of the asset; may be empty
	Icon, IconType   string
	Style            bool // there is a brand.css
}

// load reads what the brand names, and returns it with its assets by name. The
// error holds every mistake, each with the setting that it is in.
func (b Brand) load() (shownBrand, map[string][]byte, error) {
	shown := shownBrand{
		Name: "Lanyard", SupportURL: b.SupportURL, Own: b.Name != "" || b.Logo != "", Icon: "icon.svg", IconType: "image/svg+xml",
	}
	added := map[string][]byte{}
	errs := []error{b.checkName()}
	if b.Name != "" {
		shown.Name = b.Name
	}
	if b.Logo != "" {
		kind, logo, err := readLogo(b.Logo)
		errs = append(errs, err)
		shown.Logo, shown.IconType = "logo."+kind, contentType("logo."+kind)
		shown.Icon = shown.Logo
		added[shown.Logo] = logo
	}
	if b.Accent+b.AccentDark != "" {
		style, err := b.style()
		errs = append(errs, err)
		shown.Style, added["brand.css"] = true, style
	}
	return shown, added, errors.Join(errs...)
}

// Check returns what is wrong with the brand, or nil.
func (b Brand) Check() error {
	_, _, err := b.load()
	return err
}

func (b Brand) checkName() error {
	switch {
	case utf8.RuneCountInString(b.Name) > maxBrandName:
		return fmt.Errorf("webui.brand.name: has more than %d characters", maxBrandName)
	case strings.ContainsFunc(b.Name, devices.Misleads):
		return errors.New("webui.brand.name: holds control or invisible characters")
	}
	return nil
}

// readLogo returns a logo and its kind, by its content: "svg", "png", "jpg" or
// "webp".
func readLogo(file string) (kind string, content []byte, err error) {
	fail := func(why string) (string, []byte, error) {
		return "svg", nil, fmt.Errorf("webui.brand.logo: %s: %s", file, why)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "svg", nil, fmt.Errorf("webui.brand.logo: %w", err)
	case !info.Mode().IsRegular():
		return fail("is no file")
	case info.Size() > maxLogo:
		return fail(fmt.Sprintf("is larger than %d KiB; make it smaller (it is shown 32 pixels high)", maxLogo>>10))
	}
	if content, err = os.ReadFile(file); err != nil {
		return "svg", nil, fmt.Errorf("webui.brand.logo: %w", err)
	}
	switch http.DetectContentType(content) {
	case "image/png":
		return "png", content, nil
	case "image/jpeg":
		return "jpg", content, nil
	case "image/webp":
		return "webp", content, nil
	}
	if !isSVG(content) {
		return fail("is neither SVG nor PNG, JPEG or WebP")
	}
	return "svg", content, nil
}

// isSVG reports whether the content is XML whose root is svg. What the SVG may
// do is decided by the policy that assets are served with: no script, and
// nothing from elsewhere.
func isSVG(content []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if root, is := token.(xml.StartElement); is {
			return root.Name.Local == "svg" && root.Name.Space == "http://www.w3.org/2000/svg"
		}
	}
}

// style returns the style sheet of the accents, or each one that people could
// not read, with one that they could.
func (b Brand) style() ([]byte, error) {
	light, err := readColor("webui.brand.accent", b.Accent)
	if err != nil {
		return nil, err
	}
	dark := light.readableOn(darkGrounds(), color{255, 255, 255})
	errs := []error{light.check("webui.brand.accent", "light", lightGrounds(), color{})}
	if b.AccentDark != "" {
		if dark, err = readColor("webui.brand.accent_dark", b.AccentDark); err != nil {
			return nil, err
		}
		errs = append(errs, dark.check("webui.brand.accent_dark", "dark", darkGrounds(), color{255, 255, 255}))
	}
	return fmt.Appendf(nil, `:root { --deed: %s; }
@media (prefers-color-scheme: dark) { :root { --deed: %s; } }
`, light, dark), errors.Join(errs...)
}

// color is a colour in sRGB.
type color [3]uint8

func (c color) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

func readColor(setting, text string) (color, error) {
	var c color
	n, err := fmt.Sscanf(text, "#%02x%02x%02x", &c[0], &c[1], &c[2])
	if err != nil || n != 3 || len(text) != 7 {
		return c, fmt.Errorf("%s: %q is no colour; write it like \"#1d4f91\"", setting, text)
	}
	return c, nil
}

// check returns an error if text in the colour cannot be read on a ground. The
// error names the nearest colour on the way to another that can.
func (c color) check(setting, light string, grounds []string, to color) error {
	least, worst := c.least(grounds)
	if least >= leastContrast {
		return nil
	}
	return fmt.Errorf("%s: %s has a contrast of %.1f:1 on the %s pages (%s), and text needs %.1f:1; try %q",
		setting, c, math.Floor(least*10)/10, light, worst, leastContrast, c.readableOn(grounds, to))
}

// least returns the smallest contrast to the grounds, and to which.
func (c color) least(grounds []string) (float64, string) {
	least, worst := math.Inf(1), ""
	for _, text := range grounds {
		ground, _ := readColor("", text) // they are ours
		if found := contrast(c, ground); found < least {
			least, worst = found, text
		}
	}
	return least, worst
}

// readableOn returns the colour, mixed with another as little as it takes for
// text to be readable on the grounds.
func (c color) readableOn(grounds []string, with color) color {
	for part := range 101 {
		var mixed color
		for i := range mixed {
			mixed[i] = uint8((int(c[i])*(100-part) + int(with[i])*part) / 100)
		}
		if least, _ := mixed.least(grounds); least >= leastContrast {
			return mixed
		}
	}
	return with
}

// contrast returns the contrast ratio of two colours (WCAG 2.2).
func contrast(a, b color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + .05) / (min(x, y) + .05)
}

// luminance returns the relative luminance (WCAG 2.2).
func (c color) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= .04045 {
			return s / 12.92
		}
		return math.Pow((s+.055)/1.055, 2.4)
	}
	return .2126*linear(c[0]) + .7152*linear(c[1]) + .0722*linear(c[2])
}
