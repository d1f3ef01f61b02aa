package provider

import (
	"encoding/json"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// pending is what one token request has found so far. fosite carries it from
// a handler's first step to its second as the session; it is never stored.
type pending struct {
	fosite.DefaultSession
	code       oauth.Code
	holding    devices.Holding
	generation int64
	left       remainder
}

// Clone returns the same: a pending request has one owner.
func (s *pending) Clone() fosite.Session { return s }

// memory is what a grant remembers of its sign-in, as JSON in its row.
type memory struct {
	AuthTime time.Time       `json:"auth_time,omitzero"`
	ACR      string          `json:"acr,omitempty"`
	AMR      []string        `json:"amr,omitempty"`
	Claims   json.RawMessage `json:"claims,omitempty"` // OIDC Core §5.5
}

func (m memory) pack() []byte {
	raw, _ := json.Marshal(m) // its fields are plain, and Claims was checked
	return raw
}

func remember(g devices.Grant) memory {
	var m memory
	_ = json.Unmarshal(g.Session, &m) // what does not parse was not remembered
	return m
}
