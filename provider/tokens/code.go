package tokens

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// codePrefix tells authorization codes from tokens.
const codePrefix = "ly_ac_"

// codeSize is the random bytes in a code.
const codeSize = 32

// NewCode returns a new authorization code and the hash to keep of it. The
// code itself is for the client alone.
func NewCode() (code string, hash []byte) {
	var secret [codeSize]byte
	rand.Read(secret[:]) // never fails; the program ends instead
	code = codePrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return code, sum(code)
}

// CodeHash returns what NewCode gave with that code, or ErrMalformed where the
// string is none of its codes.
func CodeHash(code string) ([]byte, error) {
	body, ok := strings.CutPrefix(code, codePrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(codeSize) {
		return nil, ErrMalformed
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || len(secret) != codeSize {
		return nil, ErrMalformed
	}
	return sum(code), nil
}

func sum(code string) []byte {
	hash := sha256.Sum256([]byte(code))
	return hash[:]
}
