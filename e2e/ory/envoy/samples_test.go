// Package envoy_test reads Envoy's samples in docs/ory with the types of Envoy's
// own API. It is a module of its own: lanyard needs none of them.
package envoy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	authz "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	manager "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// read reads a configuration as Envoy does: YAML as JSON, JSON as protobuf's
// mapping has it. A field that the API does not have is an error, and so is a
// type that is not linked in here.
func read(text []byte) (*bootstrap.Bootstrap, error) {
	var said any
	if err := yaml.Unmarshal(text, &said); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	b := new(bootstrap.Bootstrap)
	return b, protojson.Unmarshal(asJSON, b)
}

// check holds a message, and all in it and in its Anys, to the rules that the
// API has for each field. It returns the messages in the Anys.
func check(m proto.Message) (within []proto.Message, err error) {
	if v, is := m.(interface{ ValidateAll() error }); is {
		err = v.ValidateAll() // goes down itself, but not into an Any
	} else if _, is := m.(*anypb.Any); !is {
		return nil, fmt.Errorf("%T has no rules", m)
	}
	visit(m.ProtoReflect(), func(a *anypb.Any) {
		inner, wrong := a.UnmarshalNew()
		if wrong != nil {
			err = errors.Join(err, wrong)
			return
		}
		deeper, wrong := check(inner)
		within, err = append(append(within, inner), deeper...), errors.Join(err, wrong)
	})
	return within, err
}

// visit calls what for each Any in a message.
func visit(m protoreflect.Message, what func(*anypb.Any)) {
	if a, is := m.Interface().(*anypb.Any); is {
		what(a)
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { visit(v.Message(), what); return true })
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				visit(v.List().Get(i).Message(), what)
			}
		case !f.IsMap() && f.Message() != nil:
			visit(v.Message(), what)
		}
		return true
	})
}

// one returns the message of a type in a list.
func one[M proto.Message](t *testing.T, within []proto.Message) M {
	t.Helper()
	for _, m := range within {
		if found, is := m.(M); is {
			return found
		}
	}
	var none M
	t.Fatalf("there is no %T", none)
	return none
}

// loose returns what a configuration names that it does not have: clusters of
// routes and of the question. Envoy does not start with one.
func loose(b *bootstrap.Bootstrap, within []proto.Message) []string {
	var named, had []string
	for _, c := range b.GetStaticResources().GetClusters() {
		had = append(had, c.GetName())
		if got := c.GetLoadAssignment().GetClusterName(); got != c.GetName() {
			named = append(named, got)
		}
	}
	for _, m := range within {
		switch m := m.(type) {
		case *manager.HttpConnectionManager:
			for _, h := range m.GetRouteConfig().GetVirtualHosts() {
				for _, r := range h.GetRoutes() {
					if r.GetRoute() != nil {
						named = append(named, r.GetRoute().GetCluster())
					}
				}
			}
		case *authz.ExtAuthz:
			named = append(named, m.GetHttpService().GetServerUri().GetCluster())
		}
	}
	return slices.DeleteFunc(named, func(name string) bool { return slices.Contains(had, name) })
}

func samples(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../../docs/ory/envoy*.yaml")
	if err != nil || len(paths) != 2 {
		t.Fatalf("samples: %v, %v", paths, err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = text
	}
	return all
}

func TestSamplesAreEnvoys(t *testing.T) {
	for name, text := range samples(t) {
		t.Run(name, func(t *testing.T) {
			b, err := read(text)
			if err != nil {
				t.Fatal(err)
			}
			within, err := check(b)
			if err != nil {
				t.Fatal(err)
			}
			if names := loose(b, within); len(names) > 0 {
				t.Errorf("it has no cluster %q", names)
			}
			m := one[*manager.HttpConnectionManager](t, within)
			if !m.GetUseRemoteAddress().GetValue() || !m.GetNormalizePath().GetValue() || !m.GetMergeSlashes() ||
				m.GetPathWithEscapedSlashesAction() != manager.HttpConnectionManager_REJECT_REQUEST {
				t.Error("addresses and paths are not as at an edge (Envoy's best_practices/edge)")
			}
			if filters := m.GetHttpFilters(); filters[len(filters)-1].GetName() != "envoy.filters.http.router" {
				t.Error("the router is not the last filter: Envoy does not start")
			}
			if len(m.GetUpgradeConfigs()) > 0 {
				t.Error("it upgrades: nobody is asked about the body of an upgrade")
			}
			spellings(t, m.GetRouteConfig().GetVirtualHosts()[0].GetRoutes())
		})
	}
}

// spellings checks that the first route is for the token endpoint and all that
// begins with it, that the second refuses percent-encoded paths, which may be
// other spellings of it, and that one more is for the rest.
func spellings(t *testing.T, routes []*route.Route) {
	t.Helper()
	if len(routes) != 3 {
		t.Fatalf("%d routes", len(routes))
	}
	if got := routes[0].GetMatch().GetPrefix(); got != "/oauth2/token" {
		t.Errorf("the first route is for %q", got)
	}
	if routes[1].GetMatch().GetSafeRegex().GetRegex() != ".*%.*" || routes[1].GetDirectResponse().GetStatus() != 400 {
		t.Error("what is percent-encoded is not turned down")
	}
}

func TestTheQuestionIsWhole(t *testing.T) {
	b, err := read(samples(t)["envoy-ext-authz.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	within, err := check(b)
	if err != nil {
		t.Fatal(err)
	}
	q := one[*authz.ExtAuthz](t, within)
	if q.GetFailureModeAllow() || q.GetStatusOnError().GetCode() != 503 {
		t.Error("trouble lets through, or ends sessions: it must be 503")
	}
	if q.GetWithRequestBody().GetMaxRequestBytes() != 64<<10 || q.GetWithRequestBody().GetAllowPartialMessage() {
		t.Error("the form is not sent whole, up to what lanyard reads")
	}
	for _, r := range one[*manager.HttpConnectionManager](t, within).GetRouteConfig().GetVirtualHosts()[0].GetRoutes() {
		asked := true
		if a := r.GetTypedPerFilterConfig()["envoy.filters.http.ext_authz"]; a != nil {
			p := new(authz.ExtAuthzPerRoute)
			if err := a.UnmarshalTo(p); err != nil {
				t.Fatal(err)
			}
			asked = !p.GetDisabled()
		}
		if asked != (r.GetMatch().GetPrefix() != "/") {
			t.Errorf("asked about %v: %v", r.GetMatch(), asked)
		}
	}
}

// What the reading above would not see is worth nothing: each of these breaks
// one thing in a sample, and has to be told.
func TestWhatIsWrongIsTold(t *testing.T) {
	whole := string(samples(t)["envoy-ext-authz.yaml"])
	for _, tt := range []struct{ name, was, is, want string }{
		{"a field that Envoy has not", "path_prefix:", "path_prefixes:", "unknown field"},
		{"a field in the wrong place", "failure_mode_allow: false", "patterns: []", "unknown field"},
		{"a type that there is not", "ext_authz.v3.ExtAuthz\n", "ext_authz.v3.ExtAuth\n", "unable to resolve"},
		{"a status that there is not", "ServiceUnavailable", "Unavailable", "invalid value for enum"},
		{"no bytes", "max_request_bytes: 65536", "max_request_bytes: 0", "value must be greater than 0"},
		{"no deadline", ", timeout: 1s}\n                        path", "}\n                        path", "Timeout: value is required"},
		{"a route to nowhere", "match: {prefix: /}", "match: {}", "value is required"},
		{"no status prefix", "stat_prefix: auth", "stat_prefix: ''", "at least 1"},
		{"a cluster that there is not", "- name: hydra\n", "- name: hydro\n", "no cluster"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(whole, tt.was) != 1 {
				t.Fatalf("%q is in the sample %d times", tt.was, strings.Count(whole, tt.was))
			}
			b, err := read([]byte(strings.Replace(whole, tt.was, tt.is, 1)))
			if err == nil {
				var within []proto.Message
				if within, err = check(b); err == nil {
					if names := loose(b, within); len(names) > 0 {
						err = fmt.Errorf("no cluster %q", names)
					}
				}
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("told %v, want %q", err, tt.want)
			}
		})
	}
}
