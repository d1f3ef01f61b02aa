package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// ask posts to the token hook as Hydra v2.3.0 does.
func (e *endpoint) ask(ctx context.Context, c *chain) (int, error) {
	type object map[string]any
	body, err := json.Marshal(object{
		"session": object{
			"id_token":          object{"id_token_claims": object{"sub": "ada", "ext": object{}}, "subject": "ada"},
			"extra":             object{"device_id": "ada-laptop"},
			"consent_challenge": c.ref,
		},
		"request": object{
			"client_id": c.client, "requested_scopes": []string{"offline_access"},
			"grant_types": []string{e.form.Get("grant_type")}, "payload": object{"assertion": e.form["assertion"]},
		},
	})
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.hook, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return a.StatusCode, a.Body.Close()
}
