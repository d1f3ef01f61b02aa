package tokens_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// ring is a ring of token keys in memory. The last one mints.
type ring []tokenKey

type tokenKey struct {
	id  [4]byte
	key []byte
}

func (r ring) TokenKey() ([4]byte, []byte) { return r[len(r)-1].id, r[len(r)-1].key }

func (r ring) TokenKeyByID(_ context.Context, id [4]byte) ([]byte, error) {
	for _, k := range r {
		if k.id == id {
			return k.key, nil
		}
	}
	return nil, devices.ErrNotFound
}

func count(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}

var (
	oldKey = tokenKey{[4]byte{0x0b, 0xad, 0xca, 0xfe}, count(0, 32)}
	newKey = tokenKey{[4]byte{0x5e, 0xed, 0x00, 0x01}, count(50, 32)}
	issued = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
)

func grant(edits ...func(*devices.Grant)) devices.Grant {
	g := devices.Grant{
		ID: "01939a3c-7b1e-7c55-8a10-0123456789ab", Secret: count(100, 32), Generation: 7,
	}
	for _, edit := range edits {
		edit(&g)
	}
	return g
}

// Computed by another implementation (Python's hmac and struct).
const (
	goldenRefresh = "ly_rt_C63K_gGTmjx7HnxVihABI0VniasAAAAAAAAAB4MzUV-OJb4Tuc5ZzcVTR5clXsL9UqOD9HTPmZKGOOWQ"
	goldenAccess  = "ly_at_C63K_gGTmjx7HnxVihABI0VniasAAAAAAAAABwAGYPBVUhJAAAACWAAAAMHZzcXYr2B7Q52CWj12" +
		"3DBOCPvlP0_kKo4tb_jsKM7b"
)

// mint returns a refresh and an access token of the grant.
func mint(t testing.TB, c tokens.Codec, g devices.Grant) (refresh, access tokens.Token) {
	t.Helper()
	refresh, err := c.Refresh(g, g.Generation)
	if err != nil {
		t.Fatal(err)
	}
	access, err = c.Access(g, issued, 10*time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return refresh, access
}

func TestGolden(t *testing.T) {
	refresh, access := mint(t, tokens.Codec{Keys: ring{oldKey}}, grant())
	if got := refresh.Reveal(); got != goldenRefresh {
		t.Errorf("refresh token\n got %s\nwant %s", got, goldenRefresh)
	}
	if got := access.Reveal(); got != goldenAccess {
		t.Errorf("access token\n got %s\nwant %s", got, goldenAccess)
	}
}

func TestParse(t *testing.T) {
	c := tokens.Codec{Keys: ring{oldKey}}
	for _, text := range []string{goldenRefresh, goldenAccess} {
		got, err := tokens.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%s): %v", text, err)
		}
		if got.GrantID() != grant().ID || got.Generation() != 7 || got.Reveal() != text {
			t.Errorf("Parse(%s) = %s, %d, %s", text, got.GrantID(), got.Generation(), got.Reveal())
		}
		if err := c.Verify(t.Context(), got, grant().Secret); err != nil {
			t.Errorf("Verify(%s): %v", text, err)
		}
	}
	refresh, _ := tokens.Parse(goldenRefresh)
	if refresh.Kind() != tokens.KindRefresh || !refresh.Issued().IsZero() || !refresh.Expires().IsZero() {
		t.Errorf("refresh token: %v %v %v", refresh.Kind(), refresh.Issued(), refresh.Expires())
	}
	access, _ := tokens.Parse(goldenAccess)
	if access.Kind() != tokens.KindAccess || !access.Issued().Equal(issued) ||
		!access.Expires().Equal(issued.Add(10*time.Minute)) {
		t.Errorf("access token: %v %v %v", access.Kind(), access.Issued(), access.Expires())
	}
}

// accepted reports whether anybody would take the string for a token of the
// grant.
func accepted(t *testing.T, c tokens.Codec, text string) bool {
	t.Helper()
	got, err := tokens.Parse(text)
	if err != nil {
		if !errors.Is(err, tokens.ErrMalformed) {
			t.Errorf("Parse(%q): %v", text, err)
		}
		return false
	}
	err = c.Verify(t.Context(), got, grant().Secret)
	if err != nil && !errors.Is(err, tokens.ErrForged) {
		t.Errorf("Verify(%q): %v", text, err)
	}
	return err == nil
}

func TestWithheldScopes(t *testing.T) {
	c := tokens.Codec{Keys: ring{oldKey}}
	const withheld = 1<<23 | 1<<2 | 1
	minted, err := c.Access(grant(), issued, 10*time.Minute, withheld)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tokens.Parse(minted.Reveal())
	if err != nil || got.Withheld() != withheld || c.Verify(t.Context(), got, grant().Secret) != nil {
		t.Errorf("withheld %b, %v", got.Withheld(), err)
	}
	if _, err := c.Access(grant(), issued, time.Minute, 1<<tokens.MaxWithheld); err == nil {
		t.Error("a scope is withheld that there is no place for")
	}
}

func TestBentTokensAreRefused(t *testing.T) {
	c := tokens.Codec{Keys: ring{oldKey}}
	for _, text := range []string{goldenRefresh, goldenAccess} {
		refuse := func(how, bent string) {
			if bent != text && accepted(t, c, bent) {
				t.Errorf("%s: %q is accepted", how, bent)
			}
		}
		for i := range text {
			refuse("truncated", text[:i])
			refuse("beheaded", text[i:][min(i, 1):])
			refuse("one out", text[:i]+text[i+1:])
			for bit := range 8 {
				b := []byte(text)
				b[i] ^= 1 << bit
				refuse("bit flipped", string(b))
			}
			refuse("case folded", text[:i]+swapCase(text[i:i+1])+text[i+1:])
			for _, more := range []string{" ", "\t", "\n", "\r", "\r\n", "\x00", "=", "A", "_", "\u200b", "\ufeff", "Ａ", "%20"} {
				refuse("one more", text[:i]+more+text[i:])
				refuse("one other", text[:i]+more+text[i+1:])
				refuse("one more at the end", text+more)
			}
		}
		for n := range 64 {
			refuse("extended", text+strings.Repeat("A", n))
			refuse("doubled", text+text[:n])
		}
		refuse("lower", strings.ToLower(text))
		refuse("upper", strings.ToUpper(text))
		refuse("standard alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(text))
		refuse("no prefix", text[6:])
		refuse("bearer", "Bearer "+text)
	}
}

// TestEveryBitCounts flips bits below the base64, where no alphabet helps.
func TestEveryBitCounts(t *testing.T) {
	c := tokens.Codec{Keys: ring{oldKey}}
	for _, text := range []string{goldenRefresh, goldenAccess} {
		body, err := base64.RawURLEncoding.DecodeString(text[6:])
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(body) * 8 {
			bent := bytes.Clone(body)
			bent[i/8] ^= 1 << (i % 8)
			if accepted(t, c, text[:6]+base64.RawURLEncoding.EncodeToString(bent)) {
				t.Errorf("bit %d of %s does not count", i, text[:6])
			}
		}
	}
}

func TestOtherTokensAreForged(t *testing.T) {
	c := tokens.Codec{Keys: ring{oldKey}}
	refresh, access := mint(t, c, grant())
	swap := func(text, prefix string) string { return prefix + text[6:] }
	if accepted(t, c, swap(refresh.Reveal(), "ly_at_")) || accepted(t, c, swap(access.Reveal(), "ly_rt_")) {
		t.Error("a token of one kind is accepted as one of the other")
	}
	stranger := grant(func(g *devices.Grant) { g.ID = "01939a3c-7b1e-7c55-8a10-0123456789ac" })
	theirs, _ := mint(t, c, stranger)
	if got, want := theirs.GrantID(), stranger.ID; got != want {
		t.Errorf("grant %s, want %s", got, want)
	}
	body, _ := base64.RawURLEncoding.DecodeString(theirs.Reveal()[6:])
	ours, _ := base64.RawURLEncoding.DecodeString(refresh.Reveal()[6:])
	mixed := append(bytes.Clone(ours[:28]), body[28:]...)
	if accepted(t, c, "ly_rt_"+base64.RawURLEncoding.EncodeToString(mixed)) {
		t.Error("another grant's MAC is accepted")
	}
	next, err := c.Refresh(grant(), 8)
	if err != nil {
		t.Fatal(err)
	}
	body, _ = base64.RawURLEncoding.DecodeString(next.Reveal()[6:])
	mixed = append(bytes.Clone(ours[:28]), body[28:]...)
	if accepted(t, c, "ly_rt_"+base64.RawURLEncoding.EncodeToString(mixed)) {
		t.Error("another generation's MAC is accepted")
	}
	for name, secret := range map[string][]byte{
		"another":  count(101, 32),
		"shorter":  count(100, 31),
		"longer":   count(100, 33),
		"empty":    {},
		"nil":      nil,
		"as short": count(100, tokens.MinSecret-1),
	} {
		if err := c.Verify(t.Context(), refresh, secret); !errors.Is(err, tokens.ErrForged) {
			t.Errorf("%s secret: %v", name, err)
		}
	}
	if err := c.Verify(t.Context(), tokens.Token{}, grant().Secret); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("no token: %v", err)
	}
}

func TestRotationKeepsOldTokensGood(t *testing.T) {
	before := tokens.Codec{Keys: ring{oldKey}}
	old, _ := mint(t, before, grant())
	after := tokens.Codec{Keys: ring{oldKey, newKey}}
	fresh, _ := mint(t, after, grant())
	if old.Reveal() == fresh.Reveal() {
		t.Error("the new key is not used")
	}
	for name, token := range map[string]tokens.Token{"old": old, "fresh": fresh} {
		if err := after.Verify(t.Context(), token, grant().Secret); err != nil {
			t.Errorf("%s token: %v", name, err)
		}
	}
	gone := tokens.Codec{Keys: ring{newKey}}
	if err := gone.Verify(t.Context(), old, grant().Secret); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("token of a key that is gone: %v", err)
	}
	crossed := tokens.Codec{Keys: ring{{oldKey.id, newKey.key}}}
	if err := crossed.Verify(t.Context(), old, grant().Secret); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("token of another key by that ID: %v", err)
	}
}

var errDown = errors.New("store is down")

// down is a ring whose store cannot be read.
type down struct{ ring }

func (down) TokenKeyByID(context.Context, [4]byte) ([]byte, error) { return nil, errDown }

// TestTroubleIsNoForgery: a client whose token cannot be verified right now
// must not lose its session.
func TestTroubleIsNoForgery(t *testing.T) {
	c := tokens.Codec{Keys: down{ring{oldKey}}}
	refresh, _ := mint(t, c, grant())
	err := c.Verify(t.Context(), refresh, grant().Secret)
	if !errors.Is(err, errDown) || errors.Is(err, tokens.ErrForged) {
		t.Errorf("got %v, want trouble", err)
	}
}

func TestMintRefuses(t *testing.T) {
	c := tokens.Codec{Keys: ring{oldKey}}
	for _, id := range []string{
		"", "g1", "01939A3C-7B1E-7C55-8A10-0123456789AB", "01939a3c7b1e7c558a100123456789ab",
		"{01939a3c-7b1e-7c55-8a10-0123456789a}", "01939a3c-7b1e-7c55-8a10-0123456789ag",
		"01939a3c-7b1e-7c55-8a10_0123456789ab", "urn:uuid:01939a3c-7b1e-7c55-8a10-0123",
	} {
		if _, err := c.Refresh(grant(func(g *devices.Grant) { g.ID = id }), 1); err == nil {
			t.Errorf("grant %q yields a token", id)
		}
	}
	if _, err := c.Refresh(grant(func(g *devices.Grant) { g.Secret = count(0, 15) }), 1); err == nil {
		t.Error("a short secret yields a token")
	}
	for _, generation := range []int64{0, -1} {
		if _, err := c.Refresh(grant(), generation); err == nil {
			t.Errorf("generation %d yields a token", generation)
		}
	}
	for _, ttl := range []time.Duration{0, -time.Second, time.Millisecond, 200 * 365 * 24 * time.Hour} {
		if _, err := c.Access(grant(), issued, ttl, 0); err == nil {
			t.Errorf("lifetime %s yields a token", ttl)
		}
	}
	if _, err := c.Access(grant(), time.Time{}, time.Minute, 0); err == nil {
		t.Error("a token issued at no time")
	}
}

func swapCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

func ExampleCodec() {
	c := tokens.Codec{Keys: ring{oldKey}}
	g := devices.Grant{ID: "01939a3c-7b1e-7c55-8a10-0123456789ab", Secret: count(100, 32), Generation: 7}
	minted, err := c.Refresh(g, g.Generation)
	if err != nil {
		fmt.Println(err)
		return
	}
	presented, err := tokens.Parse(minted.Reveal())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(presented, presented.GrantID(), presented.Generation())
	fmt.Println(c.Verify(context.Background(), presented, g.Secret))
	// Output:
	// [secret] 01939a3c-7b1e-7c55-8a10-0123456789ab 7
	// <nil>
}
