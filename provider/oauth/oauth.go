// Package oauth holds the records of an authorization server: clients, codes,
// sign-ins, consents, users and keys. They are what the provider asks a store
// to keep.
//
// # Not here
//
// No fosite, no SQL, no HTTP: plain types that both sides may import.
package oauth

import (
	"encoding/json"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Code is an authorization code with everything its redemption needs. It is
// one row; redeeming it is one conditional update.
type Code struct {
	Hash     []byte `json:"-"` // SHA-256 of the code
	GrantID  string `json:"-"` // of the grant it will become
	ClientID string `json:"-"`
	Subject  string `json:"-"`
	DeviceID string `json:"-"`
	SID      string `json:"-"`

	RedirectURI string `json:"redirect_uri"`
	// RedirectSent reports that the request named the redirect URI, so that
	// the redemption must repeat it (RFC 6749 §4.1.3).
	RedirectSent bool            `json:"redirect_sent"`
	Scopes       []string        `json:"scopes,omitempty"`
	Audience     []string        `json:"audience,omitempty"`
	Challenge    string          `json:"challenge"` // S256 (RFC 7636 §4.2)
	Nonce        string          `json:"nonce,omitempty"`
	AuthTime     time.Time       `json:"auth_time"`
	ACR          string          `json:"acr,omitempty"`
	AMR          []string        `json:"amr,omitempty"`
	Claims       json.RawMessage `json:"claims,omitempty"` // OIDC Core §5.5
	KeyThumb     string          `json:"dpop_jkt,omitempty"`

	CreatedAt time.Time `json:"-"`
	ExpiresAt time.Time `json:"-"`
	UsedAt    time.Time `json:"-"`
	// ConsentAt is At of the consent that the code rests on; zero for a client
	// that needs none. It is compared when the code is written, and not kept.
	ConsentAt time.Time `json:"-"`
}

// SignIn is a subject signed in with one browser: the session behind the
// provider's own cookie. Its ID is the sid of the tokens.
type SignIn struct {
	ID         string
	SecretHash []byte // SHA-256 of the secret in the cookie
	Subject    string
	DeviceID   string
	AuthTime   time.Time
	ACR        string
	AMR        []string
	CreatedAt  time.Time
	IdleUntil  time.Time
	NotAfter   time.Time
	EndedAt    time.Time
	// By is what was verified. It is compared when the sign-in is written, and
	// not kept.
	By devices.Credential
}

// Live reports whether the sign-in still holds at that time.
func (s SignIn) Live(now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.IdleUntil) && now.Before(s.NotAfter)
}

// Consent is what a subject has let a client have.
type Consent struct {
	Subject  string
	ClientID string
	Scopes   []string
	At       time.Time
	// By is the sign-in by which the subject consented. It is compared when the
	// consent is written, and not kept.
	By devices.Credential
}

// User is a subject whose password this server keeps.
type User struct {
	Subject      string
	Identifier   string // what is typed at sign-in, unique whatever its case
	PasswordHash string // argon2id, PHC string
	// Claims are the standard claims of OIDC Core §5.1 that are known.
	Claims    map[string]any
	Disabled  bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// The uses of a key.
const (
	UseSign  = "sig"   // signs ID tokens, JWT access tokens and logout tokens
	UseToken = "token" // authenticates opaque tokens
)

// Key is a server key at rest.
type Key struct {
	ID  string // kid; eight hexadecimal digits for a token key
	Use string
	Alg string // "ES256", "RS256" or "HS256"
	// Sealed is the private key, encrypted under the system secret.
	Sealed    []byte
	CreatedAt time.Time
	ActiveAt  time.Time // used from then on; published before
	RetiredAt time.Time // verifies until then; zero: in force
}

// Client is an OAuth client, in Ory Hydra's JSON and a little more.
type Client struct {
	ID           string   `json:"client_id"`
	Name         string   `json:"client_name,omitempty"`
	Secret       string   `json:"client_secret,omitempty"` // only ever in a request, and in the answer that generated it
	SecretHash   string   `json:"-"`
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	PostLogout   []string `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes   []string `json:"grant_types,omitempty"`
	ResponseType []string `json:"response_types,omitempty"`
	Scope        string   `json:"scope,omitempty"` // space-separated
	Audience     []string `json:"audience,omitempty"`
	// AuthMethod is none, client_secret_basic, client_secret_post or
	// private_key_jwt.
	AuthMethod  string          `json:"token_endpoint_auth_method,omitempty"`
	AuthAlg     string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS        json.RawMessage `json:"jwks,omitempty"`
	IDTokenAlg  string          `json:"id_token_signed_response_alg,omitempty"` // ES256 or RS256
	AccessToken string          `json:"access_token_strategy,omitempty"`        // opaque or jwt
	SkipConsent bool            `json:"skip_consent,omitempty"`                 // first party
	SubjectType string          `json:"subject_type,omitempty"`                 // public
	Owner       string          `json:"owner,omitempty"`
	ClientURI   string          `json:"client_uri,omitempty"`
	LogoURI     string          `json:"logo_uri,omitempty"`
	PolicyURI   string          `json:"policy_uri,omitempty"`
	TermsURI    string          `json:"tos_uri,omitempty"`
	Contacts    []string        `json:"contacts,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	DPoPBound   bool            `json:"dpop_bound_access_tokens,omitempty"` // RFC 9449 §5.2

	// Binding is how token calls are compared with the device; empty means
	// observed for public clients and device_status for the others.
	Binding devices.Binding `json:"binding,omitempty"`
	// RefreshMode is rotate (the default) or sender_constrained.
	RefreshMode string `json:"refresh_mode,omitempty"`
	// Lifetimes as Go durations; empty means the server's.
	AccessTTL       string `json:"access_token_lifespan,omitempty"`
	IDTTL           string `json:"id_token_lifespan,omitempty"`
	RefreshIdle     string `json:"refresh_token_idle_lifespan,omitempty"`
	RefreshAbsolute string `json:"refresh_token_lifespan,omitempty"`

	Version   int64     `json:"-"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Public reports whether the client cannot keep a secret.
func (c Client) Public() bool { return c.AuthMethod == "none" }

// BindingInForce returns the client's binding or its default.
func (c Client) BindingInForce() devices.Binding {
	switch {
	case c.Binding != "":
		return c.Binding
	case c.Public():
		return devices.BindingObserved
	default:
		return devices.BindingDeviceStatus
	}
}
