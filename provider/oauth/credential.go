package oauth

import (
	"crypto/sha256"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// Fold returns an identifier without its case. Upper before lower, so that
// letters with two small forms meet.
func Fold(identifier string) string { return strings.ToLower(strings.ToUpper(identifier)) }

// Credential returns a digest of what the client authenticates with: its
// method, secret and keys. It changes with any of them.
func (c Client) Credential() [sha256.Size]byte {
	text := strings.Join([]string{"client", c.ID, c.AuthMethod, c.AuthAlg, c.SecretHash, string(c.JWKS)}, "\x00")
	return sha256.Sum256([]byte(text))
}

// Credential returns what a sign-in with this user's identifier and password
// rests on: it changes with either. That of a user without a password is zero.
func (u User) Credential() devices.Credential {
	if u.PasswordHash == "" {
		return devices.Credential{}
	}
	text := strings.Join([]string{"password", u.Subject, Fold(u.Identifier), u.PasswordHash}, "\x00")
	return devices.Credential{Password: sha256.Sum256([]byte(text))}
}
