package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/seal"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestSealer(t *testing.T) {
	o := sealer(t, count(0, 32))
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

func TestSealerRefuses(t *testing.T) {
	o := sealer(t, count(0, 32))
	sealed, err := o.Seal("login", []byte("state"), []byte("cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := o.Open("consent", sealed, []byte("cookie")); !errors.Is(err, seal.ErrForged) {
		t.Errorf("for another purpose: %q, %v", got, err)
	}
	if got, err := o.Open("login", sealed, []byte("biscuit")); !errors.Is(err, seal.ErrForged) {
		t.Errorf("with other additional data: %q, %v", got, err)
	}
	if got, err := sealer(t, count(1, 32)).Open("login", sealed, []byte("cookie")); !errors.Is(err, seal.ErrForged) {
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

func TestSealerRotates(t *testing.T) {
	before := sealer(t, count(0, 32))
	sealed, err := before.Seal("login", []byte("state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	after := sealer(t, count(1, 40), count(0, 32))
	if got, err := after.Open("login", sealed, nil); err != nil || string(got) != "state" {
		t.Errorf("the second secret opens: %q, %v", got, err)
	}
	fresh, err := after.Seal("login", []byte("state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Open("login", fresh, nil); !errors.Is(err, seal.ErrForged) {
		t.Errorf("the first secret does not seal: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, system := range map[string][][]byte{
		"none": nil, "short": {count(0, 31)}, "one of two is short": {count(0, 32), count(0, 31)},
	} {
		if _, err := seal.New(system); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func sealer(t *testing.T, system ...[]byte) *seal.Sealer {
	t.Helper()
	o, err := seal.New(system)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A value of a Box opens under the same label only, and under each of its
// secrets.
func TestBox(t *testing.T) {
	old, err := seal.NewBox([][]byte{count(0, 32)}, "one")
	if err != nil {
		t.Fatal(err)
	}
	sealed := old.Seal([]byte("state"), []byte("cookie"))
	rotated, err := seal.NewBox([][]byte{count(1, 32), count(0, 32)}, "one")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rotated.Open(sealed, []byte("cookie")); err != nil || string(got) != "state" {
		t.Errorf("Open = %q, %v", got, err)
	}
	for name, try := range map[string]struct{ label, additional string }{
		"another label": {"two", "cookie"}, "other additional data": {"one", "biscuit"},
	} {
		other, err := seal.NewBox([][]byte{count(0, 32)}, try.label)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := other.Open(sealed, []byte(try.additional)); !errors.Is(err, seal.ErrForged) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := seal.NewBox(nil, "one"); err == nil {
		t.Error("no secret: accepted")
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	secret := []byte(strings.Repeat("s3cret!!", 4))
	box, err := seal.NewBox([][]byte{secret}, "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, keeper := range []any{sealer(t, secret), box} {
			if got := fmt.Sprintf(verb, keeper); got != "[secret]" {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
}

// other returns another letter of the alphabet.
func other(c byte) string {
	return string(alphabet[(strings.IndexByte(alphabet, c)+1)%len(alphabet)])
}

func count(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}
