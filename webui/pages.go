package webui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
)

//go:embed templates assets locales
var files embed.FS

// Pages is the set of pages. Make one with [NewPages].
type Pages struct {
	// Log hears of pages that cannot be drawn. Nil is silence.
	Log     *slog.Logger
	pages   map[string]*template.Template // by language and name
	brand   shownBrand
	locales locales
	assets  assets
	packers *packers
}

// NewPages returns the embedded pages, and those that other packages bring, in
// the same layout. What they bring has the folders that ours has:
// templates/pages, and where there are any templates/partials, which replace
// ours of the same name on their pages only, assets and locales. A page, an
// asset or a text that is there already is an error, and so is a template that
// does not parse.
func NewPages(others ...fs.FS) (*Pages, error) { return NewBrandedPages(Brand{}, others...) }

// NewBrandedPages is NewPages for a service that has a name and looks of its
// own.
func NewBrandedPages(brand Brand, others ...fs.FS) (*Pages, error) {
	shown, added, err := brand.load()
	if err != nil {
		return nil, err
	}
	all := append([]fs.FS{files}, others...)
	assets, err := loadAssets(all, added)
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	known, err := loadLocales(all)
	if err != nil {
		return nil, err
	}
	p := &Pages{pages: map[string]*template.Template{}, brand: shown, assets: assets, locales: known, packers: newPackers()}
	for _, l := range known.all {
		if err := p.load(l, all); err != nil {
			return nil, fmt.Errorf("load pages: %w", err)
		}
	}
	return p, nil
}

// load parses the pages for one language.
func (p *Pages) load(l *Locale, all []fs.FS) error {
	layout, err := template.New("layout").Option("missingkey=error").
		Funcs(template.FuncMap{"t": l.T, "isolate": isolated, "link": link, "scope": l.Scope, "brand": func() shownBrand { return p.brand }}).
		ParseFS(files, "templates/layout.html")
	if err != nil {
		return err
	}
	ours, err := with(layout, files, "templates/partials/*.html")
	if err != nil {
		return err
	}
	for i, from := range all {
		frame := ours
		if i > 0 {
			if frame, err = with(ours, from, "templates/partials/*.html"); err != nil {
				return err
			}
		}
		if err := p.loadFrom(l, from, frame); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) loadFrom(l *Locale, from fs.FS, frame *template.Template) error {
	pages, err := fs.Glob(from, "templates/pages/*.html")
	if err != nil {
		return err
	}
	for _, file := range pages {
		name := l.Code + "/" + strings.TrimSuffix(path.Base(file), ".html")
		if p.pages[name] != nil {
			return fmt.Errorf("page %s is there twice", name)
		}
		if p.pages[name], err = with(frame, from, file); err != nil {
			return err
		}
	}
	return nil
}

// with returns a copy of a set with what is in the files, if there are any.
func with(set *template.Template, from fs.FS, pattern string) (*template.Template, error) {
	set, err := set.Clone()
	if err != nil {
		return nil, err
	}
	if found, err := fs.Glob(from, pattern); err != nil || len(found) == 0 {
		return set, err
	}
	return set.ParseFS(from, pattern)
}

// view is what the layout sees.
type view struct {
	Assets    string // the path of the assets, relative to the page
	Lang, Dir string
	Languages []choice
	Framed    bool // the page is of somebody who is signed in here
	Data      any
}

// choice is a language to choose, with where it leads: the same page.
type choice struct {
	Code, Name, To string
	Current        bool
}

// Render answers with a page. Its data is a struct with the fields that the
// template names; a field that is missing makes it a 500. Three fields widen the
// page's Content-Security-Policy: LeadsAway bool, of a page whose form's answer
// redirects to a client, LogoURI string, and Listens bool, of a page that asks
// this server for news by itself. UILocales string
// is the languages that were asked for, best first; Frame is what surrounds the
// page.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	body, err := p.draw(r, page, data)
	if err != nil {
		if p.Log != nil {
			p.Log.ErrorContext(r.Context(), "draw page", "page", page, "err", err)
		}
		h := w.Header()
		setPolicy(h, policy(nil))
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("This page cannot be shown. Try again in a moment.\n"))
		return
	}
	h := w.Header()
	setPolicy(h, policy(data))
	h.Set("Content-Type", "text/html; charset=utf-8")
	body = p.packed(w, r, body, data)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the connection is gone if it fails
}

// packed returns a page as it is sent: compressed where that gives nothing
// away. How long a compressed page is tells whether what a stranger chose is in
// it twice (BREACH), so a page that strangers can have a browser ask for, with
// their words in it and a flow that only the browser should know, is sent as it
// is. Pages with a frame need a SameSite=Strict cookie, so that nobody else can
// ask, and hold nothing that opens anything.
func (p *Pages) packed(w http.ResponseWriter, r *http.Request, body []byte, data any) []byte {
	if !framed(data) {
		return body
	}
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) < worthIt || !takesGzip(r) {
		return body
	}
	packed, err := p.packers.pack(body)
	if err != nil {
		return body
	}
	h.Set("Content-Encoding", "gzip")
	return packed
}

func (p *Pages) draw(r *http.Request, page string, data any) ([]byte, error) {
	asked, _ := field(data, "UILocales").(string)
	l := p.locales.choose(r, asked)
	set, ok := p.pages[l.Code+"/"+page]
	if !ok {
		return nil, errors.New("no such page")
	}
	v := view{Assets: p.assets.from(r.URL), Lang: l.Code, Dir: l.Dir, Framed: framed(data), Data: data}
	for _, other := range p.locales.all {
		v.Languages = append(v.Languages, choice{other.Code, other.Name, inLanguage(r.URL, other.Code), other == l})
	}
	var body bytes.Buffer
	err := set.ExecuteTemplate(&body, "layout", v)
	return body.Bytes(), err
}

// framed reports whether a page has the frame of the owner's pages.
func framed(data any) bool {
	frame, _ := field(data, "Frame").(Frame)
	return frame.In
}

// inLanguage returns the query with which a page is shown in a language. A very
// long one is not said again.
func inLanguage(page *url.URL, code string) string {
	query := page.Query()
	if len(page.RawQuery) > 512 {
		query = url.Values{}
	}
	query.Set("ui_locales", code)
	return "?" + query.Encode()
}

// Locale returns the language for a request's page.
func (p *Pages) Locale(r *http.Request) *Locale { return p.locales.choose(r, "") }
