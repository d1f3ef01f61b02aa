package tokens_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/provider/tokens"
)

func TestCode(t *testing.T) {
	code, hash := tokens.NewCode()
	if want := sha256.Sum256([]byte(code)); !bytes.Equal(hash, want[:]) {
		t.Errorf("hash %x, want %x", hash, want)
	}
	got, err := tokens.CodeHash(code)
	if err != nil || !bytes.Equal(got, hash) {
		t.Errorf("CodeHash = %x, %v; want %x", got, err, hash)
	}
	if other, _ := tokens.NewCode(); other == code || len(code) != 49 || !strings.HasPrefix(code, "ly_ac_") {
		t.Errorf("codes %s, %s", code, other)
	}
}

func TestCodeHashRefuses(t *testing.T) {
	code, _ := tokens.NewCode()
	last := code[len(code)-1]
	slack := strings.IndexByte(alphabet, last) | 1 // the two lowest bits mean nothing
	for _, bent := range []string{
		"", "ly_ac_", code[:48], code + "A", code + "=", " " + code, code + "\n", code[6:],
		code[:20] + "\n" + code[21:], code[:20] + "\x00" + code[21:],
		"ly_rt_" + code[6:], strings.ToUpper(code[:6]) + code[6:], code[:48] + alphabet[slack:slack+1],
	} {
		if got, err := tokens.CodeHash(bent); !errors.Is(err, tokens.ErrMalformed) {
			t.Errorf("CodeHash(%q) = %x, %v", bent, got, err)
		}
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestOpaque(t *testing.T) {
	o := opaque(t, count(0, 32))
	state := []byte(`{"client":"shop"}`)
	sealed, err := o.Seal("login", state, []byte("cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "shop") {
		t.Errorf("not sealed: %s", sealed)
	}
	if got, err := o.Open("login", sealed, []byte("cookie")); err != nil || !bytes.Equal(got, state) {
		t.Errorf("Open = %q, %v", got, err)
	}
	if again, _ := o.Seal("login", state, []byte("cookie")); again == sealed {
		t.Error("the same state is sealed alike twice")
	}
	empty, err := o.Seal("login", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := o.Open("login", empty, nil); err != nil || got == nil || len(got) != 0 {
		t.Errorf("Open of nothing = %v, %v", got, err)
	}
}

func TestOpaqueRefuses(t *testing.T) {
	o := opaque(t, count(0, 32))
	sealed, err := o.Seal("login", []byte("state"), []byte("cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := o.Open("consent", sealed, []byte("cookie")); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("for another purpose: %q, %v", got, err)
	}
	if got, err := o.Open("login", sealed, []byte("biscuit")); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("with other additional data: %q, %v", got, err)
	}
	if got, err := opaque(t, count(1, 32)).Open("login", sealed, []byte("cookie")); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("under another secret: %q, %v", got, err)
	}
	for i := range sealed {
		for _, bent := range []string{
			sealed[:i], sealed[i+1:], sealed[:i] + "\n" + sealed[i:], sealed[:i] + "\r" + sealed[i+1:],
			sealed[:i] + other(sealed[i]) + sealed[i+1:], sealed + sealed[:i+1],
		} {
			if got, err := o.Open("login", bent, []byte("cookie")); err == nil {
				t.Errorf("Open(%q) = %q", bent, got)
			}
		}
	}
}

func TestOpaqueRotates(t *testing.T) {
	before := opaque(t, count(0, 32))
	sealed, err := before.Seal("login", []byte("state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	after := opaque(t, count(1, 40), count(0, 32))
	if got, err := after.Open("login", sealed, nil); err != nil || string(got) != "state" {
		t.Errorf("the second secret opens: %q, %v", got, err)
	}
	fresh, err := after.Seal("login", []byte("state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Open("login", fresh, nil); !errors.Is(err, tokens.ErrForged) {
		t.Errorf("the first secret does not seal: %v", err)
	}
}

func TestNewOpaqueRefuses(t *testing.T) {
	for name, system := range map[string][][]byte{
		"none": nil, "short": {count(0, 31)}, "one of two is short": {count(0, 32), count(0, 31)},
	} {
		if _, err := tokens.NewOpaque(system); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func opaque(t *testing.T, system ...[]byte) *tokens.Opaque {
	t.Helper()
	o, err := tokens.NewOpaque(system)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// other returns another letter of the alphabet.
func other(c byte) string {
	return string(alphabet[(strings.IndexByte(alphabet, c)+1)%len(alphabet)])
}
