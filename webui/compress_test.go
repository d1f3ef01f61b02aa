package webui_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// unpacked returns what a browser makes of an answer, and whether it came
// compressed.
func unpacked(t *testing.T, w *httptest.ResponseRecorder) (string, bool) {
	t.Helper()
	if w.Header().Get("Content-Encoding") == "" {
		return w.Body.String(), false
	}
	r, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), true
}

// TestCompression: what is the same for everybody or needs a cookie that no
// other site can use is compressed for who takes it, and nothing else is.
func TestCompression(t *testing.T) {
	p := newPages(t)
	mux := http.NewServeMux()
	p.Mount(mux)
	taking := func(target, codings string) (*httptest.ResponseRecorder, *http.Request) {
		r := httptest.NewRequest("GET", target, nil)
		if codings != "" {
			r.Header.Set("Accept-Encoding", codings)
		}
		return httptest.NewRecorder(), r
	}
	framed := map[bool]int{}
	for _, s := range storybook() {
		plain, r := taking("/login", "")
		p.Render(plain, r, 200, s.page, s.data)
		packed, r := taking("/login", "gzip, deflate, br, zstd")
		p.Render(packed, r, 200, s.page, s.data)
		text, is := unpacked(t, packed)
		if text != plain.Body.String() {
			t.Errorf("%s: not the same page", s.page)
		}
		want := strings.Contains(text, `<body class="owner">`)
		framed[want]++
		if is != want || (packed.Header().Get("Vary") == "Accept-Encoding") != want || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: compressed %t, want %t: %v", s.page, is, want, packed.Header())
		}
		if is && packed.Body.Len() > plain.Body.Len()*3/4 {
			t.Errorf("%s: %d of %d bytes", s.page, packed.Body.Len(), plain.Body.Len())
		}
	}
	if framed[true] < 5 || framed[false] < 5 {
		t.Errorf("pages %v", framed)
	}
	for codings, want := range map[string]bool{
		"": false, "gzip": true, "GZIP;q=1.0": true, "br, gzip ; q=0.1": true, "*": true, "br;q=1, *;q=0.5": true,
		"gzip;q=0": false, "gzip;q=0.000, *": false, "*, gzip;q=0": false, "identity": false, "br": false, "x-gzip": true,
		"gzip;q=x": false, "notgzip": false, ";;,,": false,
	} {
		w, r := taking("/assets/x/owner.css", codings)
		mux.ServeHTTP(w, r)
		text, is := unpacked(t, w)
		if is != want || w.Header().Get("Vary") != "Accept-Encoding" || !strings.Contains(text, ".card") {
			t.Errorf("%q: compressed %t, want %t", codings, is, want)
		}
	}
	// Where a part is asked for of what does not get smaller, it is a part.
	w, r := taking("/assets/x/owner.css", "")
	r.Header.Set("Range", "bytes=0-9")
	if mux.ServeHTTP(w, r); w.Code != http.StatusPartialContent || w.Body.Len() != 10 {
		t.Errorf("a part: %d, %d bytes", w.Code, w.Body.Len())
	}
}
