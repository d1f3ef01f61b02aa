package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// maxAnswer is the most that is read of a token answer, in bytes.
const maxAnswer = 1 << 20

// answered looks at Hydra's answer to a token request: the refresh token in it
// is the grant's next; a spent token that Hydra refuses is reported. An answer
// for a grant that has ended is withheld.
func (g *Gateway) answered(w *http.Response) error {
	p, looked := w.Request.Context().Value(passageKey{}).(*passage)
	if !looked {
		return nil
	}
	var read bytes.Buffer
	read.Grow(bufferSize) // for a usual answer
	_, err := read.ReadFrom(io.LimitReader(w.Body, maxAnswer+1))
	if err != nil || read.Len() > maxAnswer {
		return errors.Join(errors.New("read Hydra's token answer"), err, w.Body.Close())
	}
	body := read.Bytes()
	if err := w.Body.Close(); err != nil {
		return err
	}
	// The token is spent whether or not its client is still there to hear.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.Request.Context()), g.Deadline)
	defer cancel()
	var told struct {
		RefreshToken string `json:"refresh_token"`
		Error        string `json:"error"`
	}
	_ = json.Unmarshal(body, &told) // what is no JSON tells nothing
	switch {
	case w.StatusCode == http.StatusOK && told.RefreshToken != "":
		err = g.Tokens.LearnToken(ctx, g.Sealer.Token(told.RefreshToken), p.from, g.Now())
	case w.StatusCode == http.StatusBadRequest && told.Error == "invalid_grant" && p.held != nil:
		err = g.reused(ctx, p)
	case w.StatusCode == http.StatusBadRequest && told.Error == "invalid_grant" && p.refresh:
		g.unknown.Take(p.source, g.Now())
	case w.StatusCode == http.StatusForbidden && told.Error == "access_denied" && p.refresh:
		// Our hook's refusal, in the words that clients know.
		if p.held == nil {
			g.unknown.Take(p.source, g.Now())
		}
		w.StatusCode, w.Status, body = http.StatusBadRequest, "400 Bad Request", refusal
	}
	switch {
	case errors.Is(err, devices.ErrRevoked):
		// The grant ended after it was judged: its device, its subject or itself.
		w.StatusCode, w.Status, body = http.StatusBadRequest, "400 Bad Request", refusal
	case err != nil:
		// The answer is the client's whatever we make of it: without it the
		// token that Hydra has just spent would be lost.
		g.Log.ErrorContext(ctx, "gateway", "client", p.context.ClientID, "err", err)
	}
	w.Body = io.NopCloser(bytes.NewReader(body))
	w.ContentLength = int64(len(body))
	w.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// reused reports that a token which has a successor came back. Hydra has ended
// the chain already. A grant that has ended is not judged again, so that no
// further User-Agent is parsed for it.
func (g *Gateway) reused(ctx context.Context, p *passage) error {
	if !p.held.Grant.RevokedAt.IsZero() {
		return nil
	}
	spent, err := g.Tokens.TokenSpent(ctx, p.from)
	if err != nil || !spent {
		return err // an end that Hydra knows of and we do not: expiry, or a logout
	}
	_, err = g.Gate.Reused(ctx, p.presented())
	return err
}

// refusal is one text for every reason: the thief learns nothing.
var refusal = []byte(`{"error":"invalid_grant","error_description":"The provided authorization grant or refresh token is invalid, expired or revoked."}` + "\n")

func refuse(w http.ResponseWriter) { answer(w, http.StatusBadRequest, refusal) }

// unavailable keeps the client's session: a 4xx would end it.
func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	answer(w, http.StatusServiceUnavailable, []byte(`{"error":"temporarily_unavailable"}`+"\n"))
}

// Why a request has to wait.
const (
	unknownTokensBody = `{"error":"temporarily_unavailable","error_description":"Too many unknown tokens came from this network."}` + "\n"
	newAgentsBody     = `{"error":"temporarily_unavailable","error_description":"Too many new User-Agents came with tokens of this grant."}` + "\n"
)

// slowDown answers 429 (RFC 6585 §4), which is no verdict on the token.
func slowDown(w http.ResponseWriter, wait time.Duration, body string) {
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	answer(w, http.StatusTooManyRequests, []byte(body))
}

func badRequest(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		answer(w, http.StatusRequestEntityTooLarge, []byte(`{"error":"invalid_request","error_description":"The request is too large."}`+"\n"))
		return
	}
	answer(w, http.StatusBadRequest, []byte(`{"error":"invalid_request","error_description":"A token request is one form, urlencoded, with each parameter once."}`+"\n"))
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
