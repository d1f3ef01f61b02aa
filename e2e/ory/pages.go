package ory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Pages are those that Kratos expects of its operator: a page for each flow,
// with the form that Kratos describes, and no script.
type Pages struct{ Kratos string } // Kratos' public address

// shown is what Kratos says of a flow's form.
type shown struct {
	UI struct {
		Action   string
		Nodes    []node
		Messages []struct{ Text string }
	}
}

type node struct {
	Group      string
	Attributes struct{ Name, Type, Value any }
}

var page = template.Must(template.New("").Parse(`<!DOCTYPE html><html lang="en"><title>Kratos</title><main>
{{range .UI.Messages}}<p>{{.Text}}</p>{{end}}
<form method="post" action="{{.UI.Action}}">
{{range .UI.Nodes}}{{if or (eq .Group "default") (eq .Group "password") (eq .Group "lookup_secret")}}
{{if eq .Attributes.Type "submit"}}<button name="{{.Attributes.Name}}" value="{{.Attributes.Value}}">Go</button>
{{else}}<input id="{{.Attributes.Name}}" name="{{.Attributes.Name}}" type="{{.Attributes.Type}}" value="{{with .Attributes.Value}}{{.}}{{end}}">{{end}}
{{end}}{{end}}</form></main>`))

// ServeHTTP shows the page /login, /registration or /settings of a flow.
func (p Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := strings.Trim(r.URL.Path, "/")
	s, err := p.flow(r, kind)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, s) // the browser may be gone
}

func (p Pages) flow(r *http.Request, kind string) (s shown, err error) {
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet,
		"http://"+p.Kratos+"/self-service/"+kind+"/flows?id="+r.URL.Query().Get("flow"), nil)
	if err != nil {
		return s, err
	}
	ask.Header.Set("Cookie", r.Header.Get("Cookie"))
	ask.Header.Set("Accept", "application/json")
	a, err := http.DefaultClient.Do(ask)
	if err != nil {
		return s, err
	}
	defer func() { _ = a.Body.Close() }() // it was read
	body, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("no such flow: %d %s", a.StatusCode, body)
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(body, &s)
}

// Reconfigure changes the configuration of a server, "hydra" or "kratos", and
// restarts it.
func (s *Stack) Reconfigure(ctx context.Context, name string, change func(config map[string]any)) error {
	path := filepath.Join(s.Dir, name+".yml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	change(config)
	if _, err := write(s.Dir, name+".yml", config); err != nil {
		return err
	}
	server := s.Kratos
	if name == "hydra" {
		server = s.Hydra
	}
	if err := server.Stop(); err != nil {
		return err
	}
	return server.Start(ctx)
}

// AddCodes gives the person, who is signed in, codes for a second factor.
func (p *Person) AddCodes() ([]string, error) {
	f, err := p.flow("settings/browser", "")
	if err != nil {
		return nil, err
	}
	var codes struct {
		UI struct {
			Nodes []struct {
				Attributes struct {
					Text struct {
						Context struct {
							Secrets []struct{ Context struct{ Secret string } }
						}
					}
				}
			}
		}
	}
	for _, step := range []string{"lookup_secret_regenerate", "lookup_secret_confirm"} {
		a, err := p.json(http.MethodPost, f.UI.Action, map[string]any{
			"method": "lookup_secret", step: true, "csrf_token": f.csrf(),
		})
		if err == nil && a.Status != http.StatusOK {
			err = fmt.Errorf("%s: %d %s", step, a.Status, a.Body)
		}
		if err == nil && step == "lookup_secret_regenerate" {
			err = json.Unmarshal(a.Body, &codes)
		}
		if err != nil {
			return nil, err
		}
	}
	var all []string
	for _, n := range codes.UI.Nodes {
		for _, s := range n.Attributes.Text.Context.Secrets {
			all = append(all, s.Context.Secret)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no codes came from Kratos")
	}
	return all, nil
}
