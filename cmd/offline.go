package cmd

import (
	"bytes"
	"io"
	"net/http"

	"github.com/lanyard-id/lanyard/api"
)

// offlineClient returns a client of an admin API that is served within this
// process, on the database: a command works alike with a server and without.
func (a *app) offlineClient() (*adminClient, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	s, err := a.openStore(a.ctx, c)
	if err != nil {
		return nil, err
	}
	admin := api.NewAdmin(api.AdminConfig{
		Finder: s, Subjects: s,
		Registry: c.operatorRegistry(s, a),
	})
	client := newAdminClient("http://localhost", "")
	client.http.Transport = within{admin.Handler()}
	client.close = s.Close
	return client, nil
}

// within answers requests in this process. Nothing listens, so nobody else
// can call.
type within struct{ handler http.Handler }

// RoundTrip serves the request and returns the whole answer.
func (t within) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	served.RemoteAddr, served.Host, served.RequestURI = "127.0.0.1:0", "localhost", r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := &answer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, served)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the header to fill in.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *answer) WriteHeader(status int) { w.status = status }

// Write keeps a part of the body.
func (w *answer) Write(p []byte) (int, error) { return w.body.Write(p) }
