package tokens_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/provider/tokens"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "ly_rt_", "ly_at_", goldenRefresh, goldenAccess, goldenRefresh + "\n",
		goldenRefresh[:82] + "\n\n\n\n", // a decoder skips line breaks
		"ly_at_" + strings.Repeat("_", 96), "ly_rt_" + strings.Repeat("A", 80),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := tokens.Parse(text)
		if err != nil {
			if got.Reveal() != "" || got.Kind() != 0 {
				t.Errorf("an error and a token: %q", text)
			}
			return
		}
		if got.Reveal() != text {
			t.Errorf("%q has a second spelling %q", got.Reveal(), text)
		}
		if got.Generation() <= 0 || len(got.GrantID()) != 36 {
			t.Errorf("generation %d of grant %q", got.Generation(), got.GrantID())
		}
		if got.Kind() == tokens.KindAccess &&
			(!got.Expires().After(got.Issued()) || got.Issued().Before(time.Unix(0, 0))) {
			t.Errorf("issued %s, expires %s", got.Issued(), got.Expires())
		}
	})
}

func BenchmarkParseAndVerify(b *testing.B) {
	c := tokens.Codec{Keys: ring{oldKey}}
	g := grant()
	b.ReportAllocs()
	for b.Loop() {
		token, err := tokens.Parse(goldenRefresh)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Verify(b.Context(), token, g.Secret); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMint(b *testing.B) {
	c := tokens.Codec{Keys: ring{oldKey}}
	g := grant()
	b.ReportAllocs()
	for b.Loop() {
		refresh, access := mint(b, c, g)
		_, _ = refresh.Reveal(), access.Reveal()
	}
}
