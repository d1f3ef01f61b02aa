package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/hooks/doctor"
	"github.com/lanyard-id/lanyard/webui"
)

// signInFindings asks whoever signs owners in to the pages whether it does.
func signInFindings(a *app, c Config) []doctor.Finding {
	ctx, cancel := context.WithTimeout(a.ctx, 15*time.Second)
	defer cancel()
	switch c.WebUI.SignIn {
	case "kratos":
		return kratosFindings(ctx, c)
	case "oidc":
		return append(providerFindings(ctx, c), clientFindings(ctx, c)...)
	}
	return nil
}

// kratosFindings asks Kratos' public API for the session of nobody, and to begin
// a sign-in that leads back to the pages. That begins one, as each visitor does;
// it ends by itself.
func kratosFindings(ctx context.Context, c Config) []doctor.Finding {
	at := strings.TrimRight(cmp.Or(c.Hooks.Kratos.PublicURL, c.Identity.PublicURL), "/")
	f := doctor.Finding{Level: doctor.Missing, Where: "Kratos: " + at}
	status, _, err := getJSON(ctx, at+"/sessions/whoami", nil)
	switch {
	case err != nil:
		f.What = "cannot be reached: " + err.Error() + "; until it can, the pages say 503"
		return []doctor.Finding{f}
	case status != http.StatusUnauthorized:
		f.What = "is not Kratos' public API: it answers " + strconv.Itoa(status) + " for a session of nobody, not 401"
		return []doctor.Finding{f}
	}
	status, body, err := getJSON(ctx, at+"/self-service/login/browser?"+
		url.Values{"return_to": {webui.CallbackURL(c.Issuer) + "?state=doctor"}}.Encode(), nil)
	switch {
	case err == nil && status == http.StatusOK:
		f.Level, f.What = doctor.Good, "signs owners in, and sends them back to the pages"
	case err == nil && strings.Contains(string(body), "return_to"):
		f.What = "sends nobody back to the pages (selfservice.allowed_return_urls)"
		f.Paste = "selfservice:\n  allowed_return_urls:\n    - " + strings.TrimSuffix(c.Issuer, "/") + "/devices/ # beside what is there\n"
	case err == nil:
		f.What = "begins no sign-in: it answers " + strconv.Itoa(status)
	default:
		f.What = "begins no sign-in: " + err.Error()
	}
	return []doctor.Finding{f}
}

// providerFindings reads the metadata of the provider where owners sign in, as
// the pages do (OpenID Connect Discovery 1.0 §4.3).
func providerFindings(ctx context.Context, c Config) []doctor.Finding {
	f := doctor.Finding{Level: doctor.Missing, Where: "webui.issuer"}
	var told struct {
		Issuer   string `json:"issuer"`
		Endpoint string `json:"authorization_endpoint"`
	}
	status, _, err := getJSON(ctx, strings.TrimSuffix(c.WebUI.Issuer, "/")+"/.well-known/openid-configuration", &told)
	switch {
	case err != nil:
		f.What = c.WebUI.Issuer + " cannot be read: " + err.Error() + "; until it can, the pages say 503"
	case status != http.StatusOK || told.Endpoint == "":
		f.What = c.WebUI.Issuer + " tells no metadata: it answers " + strconv.Itoa(status)
	case told.Issuer != c.WebUI.Issuer:
		f.What = "it calls itself " + told.Issuer + ", and not " + c.WebUI.Issuer + ": nobody can sign in to the pages"
		f.Paste = "webui:\n  issuer: " + told.Issuer + "\n"
	default:
		f.Level, f.What = doctor.Good, told.Issuer+" answers"
	}
	return []doctor.Finding{f}
}

// oauthClient is what of a client at Hydra matters to the pages.
type oauthClient struct {
	RedirectURIs []string `json:"redirect_uris"`
	LogoutURIs   []string `json:"post_logout_redirect_uris"`
	GrantTypes   []string `json:"grant_types"`
	SubjectType  string   `json:"subject_type"`
	SkipConsent  bool     `json:"skip_consent"`
	Metadata     struct {
		FirstParty bool `json:"first_party"`
	} `json:"metadata"`
}

// clientFindings asks Hydra about the pages' client, with the command that mends
// what it lacks.
func clientFindings(ctx context.Context, c Config) []doctor.Finding {
	admin, id := strings.TrimRight(c.Hooks.Hydra.AdminURL, "/"), c.WebUI.ClientID
	if admin == "" || id == "" {
		return nil
	}
	var at oauthClient
	where := "Hydra: client " + id
	status, _, err := getJSON(ctx, admin+"/admin/clients/"+url.PathEscape(id), &at)
	switch {
	case err != nil:
		return nil // that Hydra does not answer is told already
	case status == http.StatusNotFound:
		return []doctor.Finding{{Level: doctor.Advice, Where: where, What: "there is none: if Hydra is where owners sign in, create it", Paste: newClient(c)}}
	case status != http.StatusOK:
		return []doctor.Finding{{Level: doctor.Advice, Where: where, What: "Hydra does not say: it answers " + strconv.Itoa(status)}}
	}
	back := webui.CallbackURL(c.Issuer)
	goodbye := strings.TrimSuffix(back, "callback") + "goodbye"
	var found []doctor.Finding
	for _, want := range []struct {
		met           bool
		lacks, option string
	}{
		{slices.Contains(at.RedirectURIs, back), "its redirect_uris lack " + back + ": nobody can sign in to the pages", "--redirect-uri " + back},
		{slices.Contains(at.LogoutURIs, goodbye), "its post_logout_redirect_uris lack " + goodbye + ": signing out ends in an error",
			"--post-logout-callback " + goodbye},
		{slices.Contains(at.GrantTypes, "authorization_code"), "it may not use the authorization_code grant", "--grant-type authorization_code"},
		{at.SubjectType != "pairwise", "its subjects are pairwise: owners would see devices of nobody", "--subject-type public"},
		{c.Identity.Kind != "kratos" || at.Metadata.FirstParty || at.SkipConsent, "the bridge turns it down: it is not called the operator's own",
			`--metadata '{"first_party": true}'`},
	} {
		if !want.met {
			found = append(found, doctor.Finding{
				Level: doctor.Missing, Where: where, What: want.lacks,
				Paste: "hydra update oauth2-client " + id + " " + want.option + " # and all that it has: what is not named here is lost\n",
			})
		}
	}
	if found == nil {
		found = []doctor.Finding{{Level: doctor.Good, Where: where, What: "it is the pages'"}}
	}
	return found
}

// newClient is the command that makes the pages' client.
func newClient(c Config) string {
	back := webui.CallbackURL(c.Issuer)
	return "hydra create oauth2-client --name Devices --scope openid --grant-type authorization_code \\\n" +
		"  --redirect-uri " + back + " \\\n" +
		"  --post-logout-callback " + strings.TrimSuffix(back, "callback") + "goodbye \\\n" +
		"  --metadata '{\"first_party\": true}'\n"
}

// getJSON asks an address and reads a good answer into what. It follows nothing:
// where to is an answer.
func getJSON(ctx context.Context, address string, what any) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/json")
	asking := http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := asking.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && what != nil && answer.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, what)
	}
	return answer.StatusCode, body, err
}
