package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// gatewayFinding asks Hydra which token endpoint it announces to clients, and
// asks there, under each spelling of the path, whether the gateway answers. Only
// the gateway refuses a doubled parameter in its words; Hydra answers it with an
// error, and nothing changes.
func gatewayFinding(ctx context.Context, upstream string) doctor.Finding {
	f := doctor.Finding{Level: doctor.Advice, Where: "gateway"}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	document, err := ask(ctx, http.MethodGet, upstream+"/.well-known/openid-configuration", "")
	if err != nil {
		f.Level, f.What = doctor.Missing, "Hydra's public port (gateway.upstream) cannot be reached: "+err.Error()
		return f
	}
	var said struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	endpoint := &url.URL{}
	if json.Unmarshal(document.body, &said) == nil {
		endpoint, err = url.Parse(said.TokenEndpoint)
	}
	if err != nil || endpoint.Host == "" {
		f.What = "nothing is known of where clients are sent: gateway.upstream does not say (" + upstream + ")"
		return f
	}
	answer, err := ask(ctx, http.MethodPost, said.TokenEndpoint, doubled)
	switch {
	case err != nil:
		f.What = "the token endpoint in Hydra's metadata cannot be reached from here: " + err.Error()
		return f
	case !answer.gateway():
		f.Level = doctor.Missing
		f.What = "clients go around it: " + said.TokenEndpoint + ", which Hydra tells them, is not the gateway; have that address lead to gateway.listen"
		return f
	}
	for _, spelled := range spellings(endpoint.EscapedPath()) {
		around, err := reachesHydra(ctx, endpoint.Scheme+"://"+endpoint.Host, upstream, spelled)
		if err != nil {
			f.What = "whether other spellings of the token endpoint lead to it cannot be asked from here: " + err.Error()
			return f
		}
		if around != "" {
			f.Level, f.Paste = doctor.Missing, "location "+endpoint.Path+leading
			f.What = "clients can go around it: " + endpoint.Scheme + "://" + endpoint.Host + spelled + " " + around +
				"; have your proxy match the prefix " + endpoint.Path + ", here in nginx (docs/ory.md has Traefik and Envoy)"
			return f
		}
	}
	f.Level, f.What = doctor.Good, said.TokenEndpoint+", which Hydra tells its clients, is the gateway, and no other spelling of it goes around"
	return f
}

const (
	// doubled is a token request that no server grants (RFC 6749 §3.2).
	doubled = "grant_type=refresh_token&grant_type=refresh_token"
	leading = " {\n  proxy_pass http://lanyard:4440;\n  proxy_set_header Host $http_host;\n" +
		"  proxy_set_header X-Forwarded-For $remote_addr;\n  proxy_set_header X-Forwarded-Proto $scheme;\n}\n"
)

// spellings returns what Hydra, or a proxy before it, may take for an escaped
// path: Hydra v25.4 and later trim slashes at its end.
func spellings(escaped string) []string {
	folder, name := path.Split(escaped)
	if name == "" {
		return nil
	}
	coded := fmt.Sprintf("%%%02X", name[0]) + name[1:]
	return []string{
		escaped + "/", escaped + "//", escaped + "%2f", escaped + "%2F", escaped + "/?a=1", escaped + "?a=1", escaped + ";a=1", escaped + "/;a=1",
		folder + coded, folder + coded + "/", folder + coded + "%2f", strings.TrimSuffix(folder, "/") + "%2F" + name,
		strings.TrimSuffix(folder, "/") + "%2f" + name + "/", folder + "/" + name, "/" + escaped, folder + "./" + name, folder + "%2e/" + name,
		folder + "x/../" + name, folder + "x/%2e%2e/" + name, escaped + "/.", escaped + "/x/..",
	}
}

// reachesHydra says how Hydra answers a spelling of its token endpoint from the
// public side, or returns "" where the gateway answers it or nobody does. A
// proxy may redirect or refuse by itself: then Hydra answers otherwise.
func reachesHydra(ctx context.Context, public, upstream, spelled string) (string, error) {
	answer, err := ask(ctx, http.MethodPost, public+spelled, doubled)
	switch {
	case err != nil:
		return "", err
	case answer.gateway():
		return "", nil
	case answer.tokenError():
		return "is answered by Hydra", nil
	case answer.location == "" || !strings.HasSuffix(strings.ToLower(spelled), "/") && !strings.HasSuffix(strings.ToLower(spelled), "%2f"):
		return "", nil // v25.4 and later take no other path that v2.3.0 redirects from
	}
	hydra, err := ask(ctx, http.MethodPost, upstream+spelled, doubled)
	if err == nil && hydra.status == answer.status && hydra.location == answer.location {
		return "is not led to the gateway: Hydra itself redirects from it, and answers it from v25.4 on", nil
	}
	return "", nil
}

// asked is an answer, whatever its status.
type asked struct {
	status   int
	location string // the path that it redirects to
	body     []byte
}

// gateway reports whether the gateway has refused a doubled parameter.
func (a asked) gateway() bool { return strings.Contains(string(a.body), "with each parameter once") }

// tokenError reports whether a token endpoint has answered (RFC 6749 §5.2).
func (a asked) tokenError() bool {
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	return json.Unmarshal(a.body, &said) == nil && said.Error != "" && said.Description != ""
}

// ask sends a request and follows no redirect.
func ask(ctx context.Context, method, address, form string) (asked, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	if err != nil {
		return asked{}, err
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return asked{}, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	got := asked{status: answer.StatusCode, body: body}
	if to, err := answer.Location(); err == nil {
		got.location = to.Path
	}
	return got, errors.Join(err, answer.Body.Close())
}
