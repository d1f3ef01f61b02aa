// Package carry is what the gateway tells the token hook of a token call. It
// travels through Hydra in the form field "assertion", the only one that Hydra
// hands on unread, sealed so that nobody else writes or reads it.
package carry

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/seal"
)

// Field is the form field that carries a context.
const Field = "assertion"

const (
	prefix = "ly_cx_"
	// life is how long a context counts: Hydra tries a hook for some seconds.
	life = time.Minute
	// fresh is how long the gateway's judgment stands for itself: no longer
	// than Hydra waits before it tries a hook again.
	fresh = time.Second
)

// Context is what the gateway saw of a token call.
type Context struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// ClientID is the client that the call names, empty where its credentials
	// alone say so.
	ClientID string `json:"client"`
	// GrantID is the grant that the gateway knew the token by and judged, and
	// let pass; empty where it did not know it.
	GrantID string `json:"grant,omitempty"`
	// Chain is what the issuer calls that grant.
	Chain string `json:"chain,omitempty"`
	// Binding is how closely the client's calls are compared.
	Binding  devices.Binding   `json:"binding"`
	Sighting *devices.Sighting `json:"sighting,omitempty"`
	// Request stands for the sighting if reading it would have cost a parse: a
	// stranger's token may not be real, and the hook is asked only if it is.
	Request *observe.Request `json:"request,omitempty"`
	// Foreign says that the gateway took the call for another client's.
	Foreign bool `json:"-"`
}

// Judged reports whether the gateway has judged a token of that chain a moment
// ago: with the grant, the device and the subject read then. It reads the grant
// again when it passes on the answer.
func (c Context) Judged(chain string, now time.Time) bool {
	age := now.Sub(c.At)
	return c.GrantID != "" && chain != "" && c.Chain == chain && age >= 0 && age < fresh
}

// ErrContext is what a context that is not ours, or too old, is.
var ErrContext = errors.New("context not acceptable")

// label derives the keys of contexts. Replicas of other versions read it too.
const label = "lanyard/carry/context/1"

// Sealer seals and opens contexts, and hashes tokens, under keys derived from
// the system secrets: the first seals and hashes, all open.
type Sealer struct {
	box *seal.Box
	// token hashes whole tokens and IDs of contexts, signature a token's
	// signature: neither can be presented as the other.
	token, signature []byte
	now              func() time.Time
}

// New returns a sealer under the system secrets, newest first.
func New(system [][]byte, now func() time.Time) (*Sealer, error) {
	box, err := seal.NewBox(system, label)
	if err != nil {
		return nil, fmt.Errorf("carry: %w", err)
	}
	token, err := hkdf.Key(sha256.New, system[0], nil, "lanyard/carry/token/1", sha256.Size)
	signature, err2 := hkdf.Key(sha256.New, system[0], nil, "lanyard/carry/signature/1", sha256.Size)
	return &Sealer{box: box, token: token, signature: signature, now: now}, errors.Join(err, err2)
}

// Seal returns the text of a context, which gets an ID and the time.
func (s *Sealer) Seal(c Context) (string, Context) {
	c.ID, c.At = rand.Text(), s.now()
	plain, err := json.Marshal(c)
	if err != nil {
		panic(err) // a context holds nothing that has no JSON
	}
	return prefix + s.box.Seal(plain, []byte(prefix)), c
}

// Open returns the context of a call that Hydra takes for that client's, or
// ErrContext. Where the gateway took it for another's, its judgment counts for
// nothing; what the call looked like is true all the same.
func (s *Sealer) Open(text, clientID string) (Context, error) {
	encoded, ours := strings.CutPrefix(text, prefix)
	if !ours {
		return Context{}, ErrContext
	}
	plain, err := s.box.Open(encoded, []byte(prefix))
	if err != nil {
		return Context{}, ErrContext
	}
	var c Context
	if err := json.Unmarshal(plain, &c); err != nil {
		return Context{}, ErrContext
	}
	if age := s.now().Sub(c.At); age > life || age < -life {
		return Context{}, ErrContext
	}
	if c.ClientID != clientID {
		c.Foreign = c.ClientID != ""
		c.ClientID, c.GrantID, c.Chain = clientID, "", ""
	}
	return c, nil
}

// Hash returns what is kept of the ID of a context.
func (s *Sealer) Hash(id string) []byte { return keyed(s.token, id) }

// Token returns what is kept of a refresh token of Hydra's. However a token is
// written, if Hydra takes it for the same it is the same.
func (s *Sealer) Token(token string) devices.TokenHash {
	whole := plain(token)
	t := devices.TokenHash{Whole: keyed(s.token, whole)}
	t.Signature = t.Whole // Hydra mints none such
	if _, signature, is := strings.Cut(whole, "."); is {
		t.Signature = keyed(s.signature, signature)
	}
	return t
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// plain returns a token as Hydra mints it, without its prefix. Hydra finds a
// token by what is behind the dot, and decodes what is before it: line breaks
// and spare bits in there make no difference to it.
func plain(token string) string {
	token = strings.TrimPrefix(token, "ory_rt_")
	key, signature, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || signature == "" {
		return token
	}
	return base64.RawURLEncoding.EncodeToString(raw) + "." + signature
}
