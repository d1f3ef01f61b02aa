package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// readClient reads a client as an operator sends it. What this server would
// drop silently is refused, by name: whoever sends it expects it to count.
func readClient(raw []byte) (oauth.Client, error) {
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(raw, &sent); err != nil {
		return oauth.Client{}, errors.Join(devices.ErrInvalid, err)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if err := checkMember(name, sent[name]); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return oauth.Client{}, errors.Join(errs...)
	}
	var c oauth.Client
	if err := json.Unmarshal(raw, &c); err != nil {
		return oauth.Client{}, errors.Join(devices.ErrInvalid, err)
	}
	return c, nil
}

// checkMember returns why a client cannot have a member of that value.
func checkMember(name string, value json.RawMessage) error {
	if name == "$schema" || clientMembers()[name] { // the first is of our own answers
		return nil
	}
	instead, known := hydraMembers()[name]
	switch {
	case !known:
		return &Mistake{Member: name, What: "no member of a client"}
	case means(value):
		return &Mistake{Member: name, What: "not supported here; " + instead}
	}
	return nil
}

// means reports whether a value says anything: null, "", 0, false, [], {} and
// "none" are what clients have anyway.
func means(value json.RawMessage) bool {
	var compact bytes.Buffer
	_ = json.Compact(&compact, value) // it has been read already
	return !slices.Contains([]string{"null", `""`, "0", "false", "[]", "{}", `"none"`}, compact.String())
}

// clientMembers returns the members that this server knows.
func clientMembers() map[string]bool {
	known := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[oauth.Client]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" {
			known[name] = true
		}
	}
	return known
}

// hydraMembers returns Ory Hydra's other members, which its tools may send
// where they say nothing, and what to do instead of saying something.
func hydraMembers() map[string]string {
	const (
		out    = "nobody is told of a logout yet: leave it out"
		access = "set access_token_lifespan, for all grants"
		id     = "set id_token_lifespan, for all grants"
		keys   = "nothing is ever fetched: register the keys inline, as jwks"
		object = "request objects are refused: leave it out"
	)
	return map[string]string{ //nolint:gosec // because these are names and advice, no secrets
		"allowed_cors_origins":                              "browsers may call the token endpoint from any origin: leave it out",
		"authorization_code_grant_access_token_lifespan":    access,
		"authorization_code_grant_id_token_lifespan":        id,
		"authorization_code_grant_refresh_token_lifespan":   "set refresh_token_lifespan",
		"backchannel_logout_session_required":               out,
		"backchannel_logout_uri":                            out,
		"client_credentials_grant_access_token_lifespan":    access,
		"client_secret_expires_at":                          "secrets do not expire: set another when it is time",
		"device_authorization_grant_access_token_lifespan":  access,
		"device_authorization_grant_id_token_lifespan":      id,
		"device_authorization_grant_refresh_token_lifespan": "set refresh_token_lifespan",
		"frontchannel_logout_session_required":              out,
		"frontchannel_logout_uri":                           out,
		"implicit_grant_access_token_lifespan":              "there is no implicit grant: leave it out",
		"implicit_grant_id_token_lifespan":                  "there is no implicit grant: leave it out",
		"jwks_uri":                                          keys,
		"jwt_bearer_grant_access_token_lifespan":            "there is no such grant: leave it out",
		"refresh_token_grant_access_token_lifespan":         access,
		"refresh_token_grant_id_token_lifespan":             id,
		"refresh_token_grant_refresh_token_lifespan":        "set refresh_token_lifespan",
		"registration_access_token":                         "clients do not register themselves: leave it out",
		"registration_client_uri":                           "clients do not register themselves: leave it out",
		"request_object_signing_alg":                        object,
		"request_uris":                                      object,
		"sector_identifier_uri":                             "subjects are the same for all clients: leave it out",
		"skip_logout_consent":                               "logout without a hint is always confirmed: leave it out",
		"userinfo_signed_response_alg":                      "userinfo is not signed: leave it out",
	}
}
