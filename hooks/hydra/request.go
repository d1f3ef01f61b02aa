package hydra

import (
	"encoding/json"
	"slices"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/carry"
)

// request is what Hydra posts to its token hook, as far as it is read here
// (Hydra v2.3.0, oauth2/token_hook.go).
type request struct {
	Session *struct {
		IDToken *struct {
			Claims struct {
				Subject string `json:"sub"`
				Ext     claims `json:"ext"`
			} `json:"id_token_claims"`
			Subject string `json:"subject"`
		} `json:"id_token"`
		Extra claims `json:"extra"`
		// ConsentChallenge is the request ID of the whole chain of tokens.
		ConsentChallenge string `json:"consent_challenge"`
	} `json:"session"`
	Request struct {
		ClientID        string   `json:"client_id"`
		RequestedScopes []string `json:"requested_scopes"`
		GrantedScopes   []string `json:"granted_scopes"`
		GrantedAudience []string `json:"granted_audience"`
		GrantTypes      []string `json:"grant_types"`
		Payload         struct {
			Sealed []string `json:"assertion"` // carry.Field
		} `json:"payload"`
	} `json:"request"`
}

// claims are what is read of a token's own: whatever the consent application
// has written, texts or not.
type claims struct {
	SID      any `json:"sid"`
	DeviceID any `json:"device_id"`
}

// call is a token call that Hydra asks about.
type call struct {
	Chain, Subject, ClientID, SID, DeviceID string
	Scopes, Audience                        []string
	Refresh                                 bool
	// Context is the gateway's, nil where the call did not come through it.
	Context *carry.Context
}

// read returns the call that a request is about, and false where it concerns
// no device: client credentials, assertions, and what has no subject.
func read(body []byte, sealer *carry.Sealer) (call, bool, error) {
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return call{}, false, err
	}
	refresh := slices.Equal(q.Request.GrantTypes, []string{"refresh_token"})
	code := slices.Equal(q.Request.GrantTypes, []string{"authorization_code"}) ||
		slices.Equal(q.Request.GrantTypes, []string{"urn:ietf:params:oauth:grant-type:device_code"})
	s := q.Session
	if (!refresh && !code) || s == nil || s.IDToken == nil || s.ConsentChallenge == "" {
		return call{}, false, nil
	}
	c := call{
		Chain: s.ConsentChallenge, Subject: s.IDToken.Subject, ClientID: q.Request.ClientID,
		SID: text(s.IDToken.Claims.Ext.SID), DeviceID: text(s.Extra.DeviceID),
		Scopes: q.Request.RequestedScopes, Audience: q.Request.GrantedAudience, Refresh: refresh,
	}
	if c.Subject == "" {
		c.Subject = s.IDToken.Claims.Subject
	}
	if c.DeviceID == "" {
		c.DeviceID = text(s.IDToken.Claims.Ext.DeviceID)
	}
	if len(c.Scopes) == 0 {
		c.Scopes = q.Request.GrantedScopes
	}
	for _, sealed := range q.Request.Payload.Sealed {
		// What a client wrote there itself counts for nothing.
		if opened, err := sealer.Open(sealed, c.ClientID); err == nil {
			c.Context = &opened
		}
	}
	return c, c.Subject != "", nil
}

func text(claim any) string {
	value, _ := claim.(string)
	return value
}

// grant returns the grant that a call opens.
func (h *Hook) grant(c call) devices.Grant {
	now := h.Now()
	g := devices.Grant{
		ID: h.Gate.Registry.NewID(), Subject: c.Subject, ClientID: c.ClientID, DeviceID: c.DeviceID,
		Issuer: devices.IssuerHydra, ExternalRef: c.Chain, SID: c.SID, Scopes: c.Scopes, Audience: c.Audience,
		Offline:    slices.Contains(c.Scopes, "offline_access") || slices.Contains(c.Scopes, "offline"),
		Generation: 1, Version: 1, CreatedAt: now, RotatedAt: now,
	}
	if x := c.Context; x != nil && x.Sighting != nil {
		g.Session = devices.RememberBinding(x.Binding)
		if x.Binding != devices.BindingDeviceStatus {
			seen := devices.BaselineOf(*x.Sighting)
			g.Baseline = &seen
		}
	}
	return g
}
