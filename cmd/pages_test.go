package cmd_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// How owners sign in to the pages: what is missing is said, and what is whole
// can be served.
func TestSigningInToThePages(t *testing.T) {
	const whole = "issuer: https://id.example.com\nsecrets: {system: [\"" + secret + "\"]}\n"
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"here":         {`webui: {sign_in: provider}`, nil},
		"elsewhere":    {`webui: {sign_in: oidc, issuer: "https://auth.example.com", client_id: pages, client_secret: s}`, nil},
		"nowhere":      {`webui: {sign_in: oidc}`, []string{"webui: oidc needs issuer, client_id and client_secret"}},
		"no secret":    {`webui: {sign_in: oidc, issuer: "https://auth.example.com", client_id: pages}`, []string{"webui: oidc needs issuer, client_id and client_secret"}},
		"in a circle":  {`webui: {sign_in: oidc, issuer: "https://id.example.com", client_id: pages, client_secret: s}`, []string{"webui.issuer: is this server; use sign_in: provider"}},
		"half":         {`webui: {issuer: "https://auth.example.com"}`, []string{"webui.issuer: belongs to sign_in: oidc"}},
		"no Kratos":    {`webui: {sign_in: kratos}`, []string{"webui: kratos needs hooks.kratos.public_url"}},
		"with Kratos":  {"webui: {sign_in: kratos}\nhooks: {kratos: {public_url: \"http://kratos:4433\"}}", nil},
		"with its URL": {"webui: {sign_in: kratos}\nidentity: {public_url: \"https://id.example.com/kratos\"}", nil},
		"no URL":       {`webui: {sign_in: oidc, issuer: "auth.example.com", client_id: pages, client_secret: s}`, nil},
	} {
		conf, complaints := load(t, whole+c.yaml)
		if name == "no URL" {
			if len(complaints) == 0 {
				t.Error("an issuer that is no URL")
			}
			continue
		}
		if complaints == nil {
			complaints = conf.Complete()
		}
		if diff := cmp.Diff(c.want, slices.Clone(complaints)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
