package local

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alexedwards/argon2id"
)

const (
	// MinPassword is the fewest characters of a new password: more than the 8
	// that NIST SP 800-63B-4 §3.1.1 asks of one beside another factor, fewer
	// than the 15 it asks of one that is alone.
	MinPassword = 12
	// MaxPassword is the longest password in bytes.
	MaxPassword = 4 << 10
)

// CheckPassword returns what is wrong with a new password, or nil. What was
// chosen earlier, or hashed elsewhere, goes on opening.
func CheckPassword(password string) error {
	switch {
	case len([]rune(password)) < MinPassword:
		return fmt.Errorf("too short: at least %d characters", MinPassword)
	case len(password) > MaxPassword:
		return fmt.Errorf("too long: at most %d bytes", MaxPassword)
	case strings.ContainsFunc(password, func(r rune) bool { return r < ' ' }):
		return errors.New("holds control characters, which no login form sends")
	}
	return nil
}

// cost returns the argon2id parameters of new hashes: 19 MiB, two passes, one
// lane (OWASP Password Storage; about 40 ms).
func cost() *argon2id.Params {
	return &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// nobody is a hash of that cost that no password has: its key was drawn at
// random.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$KU4u1+gjDsbOVGATOPMCpA$" +
	"SeDC8a70v2//tvkRYD0UQafDrWU8wo3skFNbVsHyjAE"

// HashPassword returns the argon2id hash of a password as a PHC string. It
// refuses the empty password and one longer than MaxPassword.
func HashPassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("hash password: it is empty")
	}
	if len(password) > MaxPassword {
		return "", fmt.Errorf("hash password: it is longer than %d bytes", MaxPassword)
	}
	hash, err := argon2id.CreateHash(password, cost())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// compare reports whether the hash is the password's. Hashes from elsewhere
// may cost more than ours, within reason: their parameters are somebody's
// input, and argon2 panics on some.
func compare(password, hash string) (bool, error) {
	params, salt, key, err := argon2id.DecodeHash(hash)
	if err != nil {
		return false, fmt.Errorf("password hash: %w", err)
	}
	if params.Memory > 256<<10 || params.Iterations < 1 || params.Iterations > 16 ||
		params.Parallelism < 1 || len(salt) < 8 || len(key) < 16 {
		return false, errors.New("password hash: parameters out of range")
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}
