package webui

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// assets is the files that pages use, by name, and a hash over all of them.
type assets struct {
	files map[string]asset
	hash  string
}

// asset is a file, as it is and compressed. They are the same for everybody, so
// their length tells nothing.
type asset struct{ plain, packed []byte }

// loadAssets reads the files of the pages, and adds more by name.
func loadAssets(all []fs.FS, more map[string][]byte) (assets, error) {
	a := assets{files: map[string]asset{}}
	sum, packers := sha256.New(), newPackers()
	add := func(name string, content []byte) error {
		if _, twice := a.files[name]; twice {
			return fmt.Errorf("%s is there twice", name)
		}
		packed, err := packers.pack(content)
		a.files[name] = asset{content, packed}
		fmt.Fprintf(sum, "%s %d ", name, len(content))
		sum.Write(content)
		return err
	}
	for _, from := range all {
		names, err := fs.Glob(from, "assets/*") // in order
		if err != nil {
			return assets{}, err
		}
		for _, name := range names {
			content, err := fs.ReadFile(from, name)
			if err != nil {
				return assets{}, err
			}
			if err := add(path.Base(name), content); err != nil {
				return assets{}, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if err := add(name, more[name]); err != nil {
			return assets{}, err
		}
	}
	a.hash = hex.EncodeToString(sum.Sum(nil)[:8])
	return a, nil
}

// from returns the path of the assets relative to a page, so that it holds
// behind a proxy that hides a part of the path.
func (a assets) from(page *url.URL) string {
	depth := strings.Count(strings.TrimPrefix(page.EscapedPath(), "/"), "/")
	return strings.Repeat("../", min(depth, 16)) + "assets/" + a.hash + "/"
}

// Mount names the routes of the assets. Pages are shown by whoever has
// something to say.
func (p *Pages) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /assets/{hash}/{name}", p.serveAsset)
	mux.HandleFunc("GET /favicon.ico", p.serveIcon)
	mux.HandleFunc("GET /robots.txt", serveRobots)
}

// daily is how long what has no hash in its name may be kept.
const daily = "public, max-age=86400"

// serveIcon is what browsers ask for beside an answer that is no page.
func (p *Pages) serveIcon(w http.ResponseWriter, r *http.Request) {
	r.SetPathValue("name", "icon.svg")
	r.SetPathValue("hash", "")
	p.serveAsset(w, r)
}

// serveRobots keeps crawlers out (RFC 9309): nothing here is worth finding, and
// each sign-in page is another address.
func serveRobots(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", daily)
	_, _ = w.Write([]byte("User-agent: *\nDisallow: /\n")) // the connection is gone if it fails
}

func (p *Pages) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, ok := p.assets.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("X-Content-Type-Options", "nosniff")
	// An image opened by itself is a document.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	// A replica of another version may have been asked for its assets here:
	// ours will do for once, and must not be kept under that path.
	h.Set("Cache-Control", "no-store")
	switch r.PathValue("hash") {
	case p.assets.hash:
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	case "":
		h.Set("Cache-Control", daily)
	}
	h.Set("Vary", "Accept-Encoding")
	if len(content.packed) < len(content.plain) && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(content.packed)))
		_, _ = w.Write(content.packed) // the connection is gone if it fails
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content.plain))
}

// contentType does not ask the machine, whose tables differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".jpg":
		return "image/jpeg"
	case ".webp":
		return "image/webp"
	default:
		return "application/octet-stream"
	}
}
