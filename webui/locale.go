package webui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// Locale is a language that pages are drawn in.
type Locale struct {
	Code    string // as in the html element
	Name    string // what its speakers call it
	Dir     string // "ltr" or "rtl"
	printer *message.Printer
	regions display.Namer
	known   map[string]bool // the texts that the catalog has
	dates   dates
}

// locales are all languages, English first, and how to choose among them.
type locales struct {
	all     []*Locale
	matcher language.Matcher
}

// codes are the languages, the first one for readers of none of them.
func codes() []string { return []string{"en", "de", "fr", "es", "zh", "ja"} }

// loadLocales reads the catalogs. In a file, a text is a string, or a map from
// plural forms (CLDR) of the first argument to strings. English texts are
// their own keys; the English file holds only plurals.
func loadLocales(all []fs.FS) (locales, error) {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	var l locales
	var tags []language.Tag
	for _, code := range codes() {
		tag := language.Make(code)
		known := map[string]bool{}
		for _, from := range all {
			if err := loadCatalog(b, tag, from, code, known); err != nil {
				return locales{}, fmt.Errorf("load the texts in %s: %w", code, err)
			}
		}
		tags = append(tags, tag)
		l.all = append(l.all, &Locale{
			Code: code, Name: display.Self.Name(tag), Dir: direction(tag), known: known,
			regions: display.Regions(tag), dates: datesIn(code),
		})
	}
	for i, tag := range tags {
		l.all[i].printer = message.NewPrinter(tag, message.Catalog(b))
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

// loadCatalog reads one file, if there is one, and adds its texts to those that
// are known.
func loadCatalog(b *catalog.Builder, tag language.Tag, from fs.FS, code string, known map[string]bool) error {
	text, err := fs.ReadFile(from, path.Join("locales", code+".json"))
	if errors.Is(err, fs.ErrNotExist) && code == "en" {
		return nil // no plurals
	}
	var entries map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &entries)
	}
	if err != nil {
		return err
	}
	for key, raw := range entries {
		var one string
		var forms map[string]string
		switch {
		case known[key]:
			err = fmt.Errorf("%q is there twice", key)
		case json.Unmarshal(raw, &one) == nil:
			err = b.SetString(tag, key, one)
		case json.Unmarshal(raw, &forms) == nil:
			err = b.Set(tag, key, plural.Selectf(1, "%d", cases(forms)...))
		default:
			err = fmt.Errorf("%q is neither a text nor plural forms", key)
		}
		if err != nil {
			return err
		}
		known[key] = true
	}
	return nil
}

// cases returns plural forms in the order in which they are tried: exact
// values, forms, and "other" at last.
func cases(forms map[string]string) []any {
	var list []any
	for _, form := range []string{"=0", "=1", "zero", "one", "two", "few", "many", "other"} {
		if text, has := forms[form]; has {
			list = append(list, form, text)
		}
	}
	return list
}

// direction returns how the script of a language runs.
func direction(tag language.Tag) string {
	script, _ := tag.Script()
	if slices.Contains([]string{"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}

// T returns a text in the language, its arguments formatted as it has them. A
// text that no catalog knows is returned as it is.
func (l *Locale) T(key string, args ...any) string {
	if len(args) == 0 && !l.known[key] {
		return key
	}
	return l.printer.Sprintf(key, args...)
}

// languageCookie remembers the language that the reader chose on a page.
const languageCookie = "lanyard_language"

// choose returns the language for a request: the one it asks for (ui_locales,
// OIDC Core §3.1.2.1, or what was asked of the page's client), the one chosen
// earlier, the first that the browser prefers.
func (l locales) choose(r *http.Request, asked string) *Locale {
	var chosen string
	if c, err := r.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	var wanted []language.Tag
	words := strings.Fields(r.URL.Query().Get("ui_locales") + " " + asked)
	for _, word := range words[:min(len(words), 10)] {
		wanted = append(wanted, language.Make(word)) // nonsense is no language
	}
	accepted, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language")) // as far as it parses
	for _, tags := range [][]language.Tag{wanted, {language.Make(chosen)}, accepted} {
		if _, i, sure := l.matcher.Match(tags...); len(tags) > 0 && sure > language.No {
			return l.all[i]
		}
	}
	return l.all[0]
}

// Remember keeps the language that was chosen at the foot of a page.
func (p *Pages) Remember(w http.ResponseWriter, r *http.Request, secure bool) {
	if r.Method == http.MethodGet && r.URL.Query().Get("ui_locales") != "" {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: p.Locale(r).Code, Path: "/", MaxAge: 400 * 24 * 60 * 60,
			HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
		})
	}
}
