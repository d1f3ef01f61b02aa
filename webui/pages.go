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
	Log    *slog.Logger
	pages  map[string]*template.Template
	assets assets
}

// NewPages returns the embedded pages. It fails on a template that does not
// parse.
func NewPages() (*Pages, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	files, err := fs.Glob(templates, "templates/pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("load pages: %w", err)
	}
	p := &Pages{pages: map[string]*template.Template{}, assets: assets}
	for _, file := range files {
		set, err := template.New("layout").Option("missingkey=error").
			ParseFS(templates, "templates/layout.html", file)
		if err != nil {
			return nil, fmt.Errorf("load pages: %w", err)
		}
		p.pages[strings.TrimSuffix(path.Base(file), ".html")] = set
	}
	return p, nil
}

// view is what the layout sees.
type view struct {
	Assets string // the path of the assets, relative to the page
	Data   any
}

// Render answers with a page. Its data is a struct with the fields that the
// template names; a field that is missing makes it a 500. Two fields widen the
// page's Content-Security-Policy: FormAction []string, the origins or schemes
// where the answer to its form may lead, and LogoURI string.
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
	set, ok := p.pages[page]
	if !ok {
		return nil, errors.New("no such page")
	}
	var body bytes.Buffer
	err := set.ExecuteTemplate(&body, "layout", view{p.assets.from(r.URL), data})
	return body.Bytes(), err
}
