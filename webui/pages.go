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
	"path"
	"strings"
)

//go:embed templates
var templates embed.FS

// Pages is the set of pages. Make one with [NewPages].
type Pages struct {
	// Log hears of pages that cannot be drawn. Nil is silence.
	Log     *slog.Logger
	pages   map[string]*template.Template // by language and name
	locales locales
	assets  assets
}

// NewPages returns the embedded pages. It fails on a template that does not
// parse.
func NewPages() (*Pages, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	all, err := loadLocales()
	if err != nil {
		return nil, err
	}
	p := &Pages{pages: map[string]*template.Template{}, assets: assets, locales: all}
	for _, l := range all.all {
		if err := p.load(l); err != nil {
			return nil, fmt.Errorf("load pages: %w", err)
		}
	}
	return p, nil
}

// load parses the pages for one language.
func (p *Pages) load(l *Locale) error {
	files, err := fs.Glob(templates, "templates/pages/*.html")
	if err != nil {
		return err
	}
	frame, err := template.New("layout").Option("missingkey=error").
		Funcs(template.FuncMap{"t": l.T, "isolate": isolated}).
		ParseFS(templates, "templates/layout.html", "templates/partials/*.html")
	if err != nil {
		return err
	}
	for _, file := range files {
		set, err := frame.Clone()
		if err == nil {
			set, err = set.ParseFS(templates, file)
		}
		if err != nil {
			return err
		}
		p.pages[l.Code+"/"+strings.TrimSuffix(path.Base(file), ".html")] = set
	}
	return nil
}

// view is what the layout sees.
type view struct {
	Assets    string // the path of the assets, relative to the page
	Lang, Dir string
	Languages []choice
	Framed    bool // the page is of somebody who is signed in here
	Data      any
}

// choice is a language to choose.
type choice struct {
	Code, Name string
	Current    bool
}

// Render answers with a page. Its data is a struct with the fields that the
// template names; a field that is missing makes it a 500. Two fields widen the
// page's Content-Security-Policy: FormAction []string, the origins or schemes
// where the answer to its form may lead, and LogoURI string. UILocales string
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
	w.WriteHeader(status)
	_, _ = w.Write(body) // the connection is gone if it fails
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
		v.Languages = append(v.Languages, choice{other.Code, other.Name, other == l})
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
