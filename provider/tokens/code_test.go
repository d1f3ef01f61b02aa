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
