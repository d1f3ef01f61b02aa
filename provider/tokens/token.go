package tokens

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Kind is what a token is good for.
type Kind int

// The kinds of tokens. The zero value is none.
const (
	KindRefresh Kind = iota + 1
	KindAccess
)

// What becomes of a token that is none.
var (
	// ErrMalformed: the string is not a token that this codec writes.
	ErrMalformed = errors.New("malformed token")
	// ErrForged: the token was not minted from that grant by this server.
	ErrForged = errors.New("forged token")
)

// The prefixes tell kinds apart, for people and for leak scanners.
const (
	refreshPrefix = "ly_rt_"
	accessPrefix  = "ly_at_"
)

// The sizes of the parts in bytes. Both bodies are multiples of three, so that
// base64url has no slack bits in which a token could have a second spelling.
const (
	keyIDSize   = 4
	grantIDSize = 16
	macSize     = 32
	refreshSize = keyIDSize + grantIDSize + 8 + macSize
	accessSize  = keyIDSize + grantIDSize + 8 + 8 + 4 + withheldSize + macSize
	// Each bit withholds one of the grant's first 24 scopes.
	withheldSize = 3
)

// hidden is what tokens print instead of themselves.
const hidden = "[secret]"

// Token is a token's text, taken apart. It is a claim until [Codec.Verify]
// finds it genuine. The zero value is no token.
type Token struct {
	kind       Kind
	keyID      [keyIDSize]byte
	grant      [grantIDSize]byte
	generation uint64
	issued     uint64 // Unix microseconds, as stores keep them; access tokens only
	lifetime   uint32 // seconds; access tokens only
	withheld   uint32 // scopes of the grant, by their places; access tokens only
	// mac is behind a pointer because fmt follows none inside another struct,
	// where it cannot call our methods either.
	mac *[macSize]byte
}

// Kind returns what the token is good for.
func (t Token) Kind() Kind { return t.kind }

// GrantID returns the canonical UUID of the grant that the token names.
func (t Token) GrantID() string {
	var text [36]byte
	rest := t.grant[:]
	at := 0
	for i, size := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			text[at] = '-'
			at++
		}
		at += hex.Encode(text[at:], rest[:size])
		rest = rest[size:]
	}
	return string(text[:])
}

// Generation returns the generation of the grant that the token is of.
func (t Token) Generation() int64 { return int64(t.generation) }

// Issued returns when an access token was minted, to the microsecond. Refresh
// tokens do not say; theirs is zero.
func (t Token) Issued() time.Time {
	if t.kind != KindAccess {
		return time.Time{}
	}
	return time.UnixMicro(int64(t.issued)).UTC()
}

// Expires returns when an access token ends. The end of a refresh token is its
// grant's; theirs is zero.
func (t Token) Expires() time.Time {
	if t.kind != KindAccess {
		return time.Time{}
	}
	return t.Issued().Add(time.Duration(t.lifetime) * time.Second)
}

// Withheld returns which of the grant's scopes the token lacks: bit i is its
// scope i. It is how a token of fewer scopes than its grant needs no row.
func (t Token) Withheld() uint32 { return t.withheld }

// Reveal returns the token's text, which is as good as the grant. It goes
// into the answer to its client and nowhere else.
func (t Token) Reveal() string {
	if t.mac == nil {
		return ""
	}
	prefix := refreshPrefix
	if t.kind == KindAccess {
		prefix = accessPrefix
	}
	var buffer [accessSize]byte
	body := append(t.claim(append(buffer[:0], t.keyID[:]...)), t.mac[:]...)
	text := make([]byte, 0, len(accessPrefix)+accessSize*4/3)
	return string(base64.RawURLEncoding.AppendEncode(append(text, prefix...), body))
}

// claim appends what stands between the key's ID and the MAC.
func (t Token) claim(b []byte) []byte {
	b = append(b, t.grant[:]...)
	b = binary.BigEndian.AppendUint64(b, t.generation)
	if t.kind == KindAccess {
		b = binary.BigEndian.AppendUint64(b, t.issued)
		b = binary.BigEndian.AppendUint32(b, t.lifetime)
		b = append(b, byte(t.withheld>>16), byte(t.withheld>>8), byte(t.withheld))
	}
	return b
}

// String hides the token.
func (Token) String() string { return hidden }

// GoString hides the token.
func (Token) GoString() string { return hidden }

// LogValue hides the token.
func (Token) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the token.
func (Token) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Parse takes a token apart, or returns ErrMalformed. It accepts exactly the
// strings that [Token.Reveal] writes.
func Parse(text string) (Token, error) {
	kind, size := KindRefresh, refreshSize
	body, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok {
		kind, size = KindAccess, accessSize
		body, ok = strings.CutPrefix(text, accessPrefix)
	}
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(size) {
		return Token{}, ErrMalformed
	}
	var buffer [accessSize]byte
	// A line break is skipped by the decoder, and so shows as a short body.
	n, err := base64.RawURLEncoding.Strict().Decode(buffer[:], []byte(body))
	if err != nil || n != size {
		return Token{}, ErrMalformed
	}
	t := read(kind, buffer[:size])
	if !t.sound() {
		return Token{}, ErrMalformed
	}
	return t, nil
}

// read takes the decoded body of a token apart.
func read(kind Kind, b []byte) Token {
	t := Token{kind: kind, mac: new([macSize]byte)}
	b = b[copy(t.keyID[:], b):]
	b = b[copy(t.grant[:], b):]
	t.generation, b = binary.BigEndian.Uint64(b), b[8:]
	if kind == KindAccess {
		t.issued, b = binary.BigEndian.Uint64(b), b[8:]
		t.lifetime, b = binary.BigEndian.Uint32(b), b[4:]
		t.withheld, b = uint32(b[0])<<16|uint32(b[1])<<8|uint32(b[2]), b[withheldSize:]
	}
	copy(t.mac[:], b)
	return t
}

// sound reports whether the numbers are ones that are ever minted, so that no
// reader has to think of overflow.
func (t Token) sound() bool {
	const maxInt64 = 1<<63 - 1
	if t.generation == 0 || t.generation > maxInt64 {
		return false
	}
	return t.kind == KindRefresh || (t.issued <= lastMicro && t.lifetime > 0)
}

// lastMicro is the end of the year 9999 in Unix microseconds.
const lastMicro = 253402300799_999999
