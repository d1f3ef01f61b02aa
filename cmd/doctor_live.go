package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/hooks"
	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// liveFindings asks the servers themselves. Called says that a file of theirs
// has them call the issuer.
func liveFindings(a *app, c Config, called bool) []doctor.Finding {
	var found []doctor.Finding
	for _, server := range []struct{ name, url string }{
		{"Hydra", c.Hooks.Hydra.AdminURL}, {"Kratos", cmp.Or(c.Hooks.Kratos.AdminURL, c.Identity.AdminURL)},
	} {
		if server.url == "" {
			found = append(found, doctor.Finding{
				Level: doctor.Advice, Where: server.name, What: "no admin URL in hooks: what is ended here is not ended there",
			})
			continue
		}
		found = append(found, liveFinding(a, server.name, strings.TrimRight(server.url, "/")))
	}
	if len(c.Hooks.Keys) > 0 && c.Issuer != "" {
		found = append(found, hooksFinding(a, c.Issuer, c.Hooks.Keys[0].Reveal(), called))
	}
	if c.Gateway.Listen != "" && c.Gateway.Upstream != "" {
		found = append(found, gatewayFinding(a.ctx, strings.TrimRight(c.Gateway.Upstream, "/")))
	}
	return found
}

// hooksFinding asks whether the issuer leads here, as Kratos and Hydra are told
// it does: with a key, about a token call that concerns nobody. Called says that
// a file of theirs tells them so.
func hooksFinding(a *app, issuer, key string, called bool) doctor.Finding {
	address := strings.TrimRight(issuer, "/") + "/hooks/hydra/token"
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader("{}"))
	if err != nil {
		return own(doctor.Missing, "issuer", err.Error())
	}
	r.Header.Set(hooks.KeyHeader, key)
	// The key goes nowhere else: a client that follows would take it along.
	asking := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := asking.Do(r)
	if err != nil {
		return own(doctor.Advice, "issuer", "whether it leads to lanyard cannot be asked from here: "+err.Error())
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNoContent:
		return own(doctor.Good, "issuer", address+" is answered by lanyard, with the key")
	case http.StatusUnauthorized:
		return own(doctor.Missing, "hooks.keys", address+" does not know the first of them: "+
			"the server there runs with other keys; restart it with these")
	default:
		level := doctor.Advice // they may be given another address, which strangers do not reach
		if called {
			level = doctor.Missing
		}
		return own(level, "issuer", address+" answers "+answer.Status+", which is not lanyard: if Kratos and Hydra call it there, "+
			"they refuse every sign-in and every token; have "+issuer+" lead to public.listen")
	}
}

func liveFinding(a *app, name, url string) doctor.Finding {
	f := doctor.Finding{Level: doctor.Missing, Where: name}
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/version", nil)
	if err != nil {
		f.What = err.Error()
		return f
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		f.What = "cannot be reached: " + err.Error()
		return f
	}
	defer answer.Body.Close()
	var told struct{ Version string }
	_ = json.NewDecoder(answer.Body).Decode(&told) // an answer without a version is told as such
	if there, err := http.ParseTime(answer.Header.Get("Date")); err == nil && there.Sub(a.now()).Abs() > 30*time.Second {
		f.What = "its clock and this machine's differ by " + there.Sub(a.now()).Round(time.Second).String()
		return f
	}
	f.Level, f.What = doctor.Good, "answers, version "+told.Version
	if name == "Hydra" && (strings.HasPrefix(told.Version, "v1.") || strings.HasPrefix(told.Version, "v2.")) {
		f.Level = doctor.Advice
		f.What += ": it cannot end one chain of tokens by itself (v25.4.0 can); a refused one stays refused, and its access tokens run out"
	}
	return f
}
