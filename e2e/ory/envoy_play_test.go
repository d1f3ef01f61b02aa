//go:build ory

package ory_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
)

// envoy plays an Envoy with one of the samples in docs/ory. It is no Envoy: it
// does what Envoy's documentation says of each setting that the sample has, and
// each step below names the place. "ext_authz.proto" and its like are the
// comments in Envoy's API, v1.40.0 (the types in e2e/ory/envoy carry them);
// "edge", "headers" and "upgrades" are pages of Envoy's manual
// (configuration/best_practices/edge, configuration/http/http_conn_man/headers,
// intro/arch_overview/http/upgrades).
type envoy struct {
	manager  managerConfig
	authz    *authzConfig // nil: there is no such filter
	clusters map[string]string

	mu    sync.Mutex
	asked []*http.Request // what the authorization service was asked
	led   string          // the cluster that was led to last
}

type managerConfig struct {
	UpgradeConfigs []any  `json:"upgrade_configs"`
	EscapedSlashes string `json:"path_with_escaped_slashes_action"`
	RouteConfig    struct {
		VirtualHosts []struct{ Routes []envoyRoute } `json:"virtual_hosts"`
	} `json:"route_config"`
	HTTPFilters []struct {
		Name   string
		Config json.RawMessage `json:"typed_config"`
	} `json:"http_filters"`
}

type envoyRoute struct {
	Match struct {
		Path, Prefix string
		SafeRegex    struct{ Regex string } `json:"safe_regex"`
	}
	Route          struct{ Cluster string }
	DirectResponse *struct{ Status int }              `json:"direct_response"`
	PerFilter      map[string]struct{ Disabled bool } `json:"typed_per_filter_config"`
}

type authzConfig struct {
	FailureModeAllow bool `json:"failure_mode_allow"`
	StatusOnError    struct{ Code string }
	WithRequestBody  *struct {
		Max     int  `json:"max_request_bytes"`
		Partial bool `json:"allow_partial_message"`
	} `json:"with_request_body"`
	HTTPService struct {
		ServerURI struct{ Cluster, Timeout string } `json:"server_uri"`
		Prefix    string                            `json:"path_prefix"`
		Request   struct {
			Add []struct{ Key, Value string } `json:"headers_to_add"`
		} `json:"authorization_request"`
	} `json:"http_service"`
	AllowedHeaders struct {
		Patterns []struct{ Exact, Prefix string }
	} `json:"allowed_headers"`
}

const authzFilter = "envoy.filters.http.ext_authz"

// playEnvoy starts one with a sample, in which edits change what they name.
func playEnvoy(t *testing.T, sample string, edits ...string) (*envoy, string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/ory/" + sample)
	good(t, err)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(string(text), edits[i]) {
			t.Fatalf("%s has no %q", sample, edits[i])
		}
	}
	parsed, err := yaml.Parser().Unmarshal([]byte(strings.NewReplacer(edits...).Replace(string(text))))
	good(t, err)
	asJSON, err := json.Marshal(parsed["static_resources"])
	good(t, err)
	var c struct {
		Listeners []struct {
			Chains []struct {
				Filters []struct {
					Config managerConfig `json:"typed_config"`
				}
			} `json:"filter_chains"`
		}
		Clusters []struct {
			Name string
			Load struct {
				Endpoints []struct {
					LB []struct {
						Endpoint struct {
							Address struct {
								Socket struct {
									Address string
									Port    json.Number `json:"port_value"`
								} `json:"socket_address"`
							}
						}
					} `json:"lb_endpoints"`
				}
			} `json:"load_assignment"`
		}
	}
	good(t, json.Unmarshal(asJSON, &c))
	e := &envoy{manager: c.Listeners[0].Chains[0].Filters[0].Config, clusters: map[string]string{}}
	for _, cluster := range c.Clusters {
		at := cluster.Load.Endpoints[0].LB[0].Endpoint.Address.Socket
		e.clusters[cluster.Name] = net.JoinHostPort(at.Address, at.Port.String())
	}
	for _, f := range e.manager.HTTPFilters {
		if f.Name == authzFilter {
			e.authz = new(authzConfig)
			good(t, json.Unmarshal(f.Config, e.authz))
		}
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return e, server.URL
}

// ServeHTTP takes a request through the connection manager.
func (e *envoy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, query, _ := strings.Cut(r.RequestURI, "?")
	// path_with_escaped_slashes_action: REJECT_REQUEST
	// (http_connection_manager.proto).
	if e.manager.EscapedSlashes == "REJECT_REQUEST" && regexp.MustCompile(`(?i)%2f|%5c`).MatchString(raw) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	// normalize_path, merge_slashes (http_connection_manager.proto). Percent
	// encoding stays: whether Envoy undoes it is not said, so the worse is played.
	clean := path.Clean(raw)
	if strings.HasSuffix(raw, "/") && clean != "/" {
		clean += "/"
	}
	r.URL = &url.URL{Path: clean, RawQuery: query}
	if strings.Contains(clean, "%") {
		r.URL, _ = url.ParseRequestURI(clean)
		r.URL.RawQuery = query
	}
	// What comes from outside cannot speak as an Envoy does, and with
	// use_remote_address the caller's address is put behind what it says of
	// itself ("headers": x-forwarded-for, header sanitizing).
	maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "X-Envoy-") })
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	r.Header.Set("X-Forwarded-For", strings.Join(append(r.Header.Values("X-Forwarded-For"), host), ","))
	// "upgrades": who upgrades where no upgrade_configs are is turned down.
	upgrade := r.Header.Get("Upgrade") != ""
	if upgrade && len(e.manager.UpgradeConfigs) == 0 {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	route := e.route(clean)
	if e.authz != nil && !route.PerFilter[authzFilter].Disabled && !e.ask(w, r, upgrade) {
		return
	}
	if route.DirectResponse != nil {
		w.WriteHeader(route.DirectResponse.Status)
		return
	}
	e.note(func() { e.led = route.Route.Cluster })
	(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", e.clusters[route.Route.Cluster], p.In.Host
		p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
	}}).ServeHTTP(w, r)
}

func (e *envoy) note(what func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	what()
}

// questions are those since it was asked last.
func (e *envoy) questions() []*http.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.asked
	e.asked = nil
	return asked
}

func (e *envoy) last() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.led
}

// route is the first that matches: an exact path, a whole regular expression, or
// a prefix, all of the path without its query (route_components.proto).
func (e *envoy) route(path string) envoyRoute {
	for _, r := range e.manager.RouteConfig.VirtualHosts[0].Routes {
		m := r.Match
		switch {
		case m.Path != "" && m.Path == path, m.Prefix != "" && strings.HasPrefix(path, m.Prefix):
			return r
		case m.SafeRegex.Regex != "" && regexp.MustCompile("^(?:"+m.SafeRegex.Regex+")$").MatchString(path):
			return r
		}
	}
	return envoyRoute{DirectResponse: &struct{ Status int }{http.StatusNotFound}}
}

// ask asks the authorization service and reports whether the request goes on.
// Else the client has its answer.
func (e *envoy) ask(w http.ResponseWriter, r *http.Request, upgrade bool) bool {
	c := e.authz
	// Without with_request_body there is none; with it the body is held back and sent along; one that is longer
	// is 413, and nobody is asked, or a part of it where that is allowed
	// (ext_authz.proto, BufferSettings). Of a WebSocket upgrade nothing is held
	// back (Envoy's ext_authz.cc, decodeHeaders), so nothing is sent.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	sent, partial := body, "false"
	switch {
	case upgrade, c.WithRequestBody == nil:
		sent, partial = nil, ""
	case len(body) > c.WithRequestBody.Max && !c.WithRequestBody.Partial:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return false
	case len(body) > c.WithRequestBody.Max:
		sent, partial = body[:c.WithRequestBody.Max], "true"
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer, text, err := e.question(r, sent, partial)
	switch {
	case err != nil, answer.StatusCode >= http.StatusInternalServerError:
		// failure_mode_allow lets it through, else status_on_error is the answer
		// (ext_authz.proto).
		if !c.FailureModeAllow {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return c.FailureModeAllow
	case answer.StatusCode == http.StatusOK:
		// Nothing is added to the request: no allowed_upstream_headers
		// (ext_authz.proto, AuthorizationResponse).
		return true
	}
	// Any other status goes to the client as it is, with its body and, without
	// allowed_client_headers, with every header (ext_authz.proto, HttpService and
	// AuthorizationResponse).
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text) // the client may be gone
	return false
}

// question is the check request: the client's method, the path behind the
// prefix, Host and Authorization by themselves and of the other headers those
// that are allowed, as they came (encode_raw_headers); then ours over the
// client's; Content-Length is that of what is sent (ext_authz.proto:
// allowed_headers, encode_raw_headers, HttpService, AuthorizationRequest).
func (e *envoy) question(r *http.Request, body []byte, partial string) (*http.Response, []byte, error) {
	c := e.authz
	q, err := http.NewRequestWithContext(r.Context(), r.Method,
		"http://"+e.clusters[c.HTTPService.ServerURI.Cluster]+c.HTTPService.Prefix+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	q.Host, q.Header["User-Agent"] = r.Host, nil
	headers := maps.Clone(r.Header)
	if partial != "" {
		headers["X-Envoy-Auth-Partial-Body"] = []string{partial}
	}
	for name, values := range headers {
		if c.allows(strings.ToLower(name)) || name == "Authorization" {
			q.Header[name] = values
		}
	}
	for _, h := range c.HTTPService.Request.Add {
		q.Header.Set(h.Key, h.Value)
	}
	e.note(func() { e.asked = append(e.asked, q) })
	timeout, err := time.ParseDuration(c.HTTPService.ServerURI.Timeout)
	if err != nil {
		return nil, nil, err
	}
	answer, err := (&http.Client{Timeout: timeout}).Do(q)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}

func (c *authzConfig) allows(name string) bool {
	return slices.ContainsFunc(c.AllowedHeaders.Patterns, func(p struct{ Exact, Prefix string }) bool {
		return p.Exact == name || p.Prefix != "" && strings.HasPrefix(name, p.Prefix)
	})
}
