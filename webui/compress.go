package webui

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// packers are gzip writers at rest; each holds most of a megabyte.
type packers struct{ pool sync.Pool }

func newPackers() *packers {
	return &packers{sync.Pool{New: func() any { return gzip.NewWriter(nil) }}}
}

// pack returns a text compressed.
func (p *packers) pack(text []byte) ([]byte, error) {
	w := p.pool.Get().(*gzip.Writer)
	defer p.pool.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// worthIt is the least that is compressed, in bytes: less fits into a packet
// as it is.
const worthIt = 1024

// takesGzip reports whether a client takes gzip (RFC 9110 §12.5.3).
func takesGzip(r *http.Request) bool {
	taken := false
	for _, field := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(field, ",") {
			name, weight, _ := strings.Cut(strings.ToLower(coding), ";")
			value, weighted := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			wanted := !weighted || err == nil && q > 0
			switch strings.TrimSpace(name) {
			case "gzip", "x-gzip":
				return wanted
			case "*":
				taken = wanted
			}
		}
	}
	return taken
}
