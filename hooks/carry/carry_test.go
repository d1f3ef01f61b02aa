package carry_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/carry"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func sealer(t *testing.T, now *time.Time, secrets ...string) *carry.Sealer {
	t.Helper()
	var system [][]byte
	for _, s := range secrets {
		system = append(system, []byte(strings.Repeat(s, 32)))
	}
	s, err := carry.New(system, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContextsComeBack(t *testing.T) {
	now := noon
	s := sealer(t, &now, "a")
	text, sent := s.Seal(carry.Context{
		ClientID: "notes", GrantID: "g", Binding: devices.BindingObserved,
		Sighting: &devices.Sighting{
			At: noon, Entrance: devices.EntranceGateway, Fingerprint: devices.Fingerprint{devices.SignalOS: "Windows"},
			Proof: devices.Proof{CookieHashes: [][]byte{{1, 2}}},
		},
	})
	if strings.Contains(text, "Windows") {
		t.Error("it can be read")
	}
	got, err := s.Open(text, "notes")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, got, cmp.Comparer(func(a, b devices.Network) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	// A newer secret in front opens what the older one sealed.
	if _, err := sealer(t, &now, "b", "a").Open(text, "notes"); err != nil {
		t.Error(err)
	}
}

// During an upgrade, replicas of two versions hand contexts to each other.
func TestContextOfAnOlderReplica(t *testing.T) {
	now := noon
	const sealed = "ly_cx_4RYqlpsiOI9AgVGpPvPerLIAI1cWdEXONGQrk8jz_DTuzhxMfWPCyoj5fhd0LO8TSO-Q8kZkprDbVtQseIeEnOLaQ6Zj2xl2H-fUcwqIc7S9C1imMKfDuYFqV1h1oy7bT_1iJbQZXoYQ40kda3MLlsetHleOjTRPC3umV-tOSYwQqZNsqwTFHMmIIb12iDfecGIjSkn0thad7lglLw"
	c, err := sealer(t, &now, "a").Open(sealed, "notes")
	if err != nil || c.GrantID != "g" || c.Chain != "c" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestStrangeContextsAreNone(t *testing.T) {
	now := noon
	s := sealer(t, &now, "a")
	text, _ := s.Seal(carry.Context{ClientID: "notes"})
	flipped := []byte(text)
	flipped[len(flipped)/2] ^= 1
	for name, try := range map[string]func() error{
		"another secret's": func() error { _, err := sealer(t, &now, "b").Open(text, "notes"); return err },
		"a flipped bit":    func() error { _, err := s.Open(string(flipped), "notes"); return err },
		"cut":              func() error { _, err := s.Open(text[:20], "notes"); return err },
		"without prefix":   func() error { _, err := s.Open(text[6:], "notes"); return err },
		"nothing":          func() error { _, err := s.Open("", "notes"); return err },
		"old": func() error {
			now = noon.Add(2 * time.Minute)
			_, err := s.Open(text, "notes")
			now = noon
			return err
		},
		"from the future": func() error {
			now = noon.Add(-2 * time.Minute)
			_, err := s.Open(text, "notes")
			now = noon
			return err
		},
	} {
		if err := try(); !errors.Is(err, carry.ErrContext) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the gateway took for another client's call it has not judged for this
// one; but it has seen it.
func TestContextOfAnotherClient(t *testing.T) {
	now := noon
	s := sealer(t, &now, "a")
	seen := devices.Sighting{At: noon, Fingerprint: devices.Fingerprint{devices.SignalOS: "Windows"}}
	text, _ := s.Seal(carry.Context{ClientID: "other", GrantID: "g", Chain: "c", Sighting: &seen})
	got, err := s.Open(text, "notes")
	if err != nil || got.ClientID != "notes" || got.GrantID != "" || got.Judged("c", noon) {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Sighting == nil || got.Sighting.Fingerprint[devices.SignalOS] != "Windows" {
		t.Errorf("it was seen as %+v", got.Sighting)
	}
}

// Hydra takes each of these for the same token.
func TestTokensAreHashedAsHydraReadsThem(t *testing.T) {
	now := noon
	s := sealer(t, &now, "a")
	const token = "d3FnaCtdpiygJsplroJjo76FRR-5zXxvzxyet8GNLuc.0a-AESr70G_8XxdeB44OKyoI0xkSIZAw0ObX7fmBeIQ"
	for name, written := range map[string]string{
		"with its prefix": "ory_rt_" + token, "a line break": token[:9] + "\n" + token[9:],
		"line breaks": "ory_rt_\r\n" + token[:43] + "\r" + token[43:], "spare bits": strings.Replace(token, "Luc.", "Lud.", 1),
	} {
		if diff := cmp.Diff(s.Token(token), s.Token(written)); diff != "" {
			t.Errorf("%s: another token", name)
		}
	}
	seen := map[string]bool{string(s.Token(token).Whole): true}
	for _, other := range []string{
		token + "\n", token[:43], strings.Replace(token, "Luc.", "Mud.", 1), "", ".", "a", "a.b", token + ".x", "ory_at_" + token,
	} {
		if seen[string(s.Token(other).Whole)] {
			t.Errorf("%q hashes as another does", other)
		}
		seen[string(s.Token(other).Whole)] = true
	}
}

// Hydra looks a token up by its signature, whatever is before it.
func TestTokensAreKnownByTheirSignature(t *testing.T) {
	now := noon
	s := sealer(t, &now, "a")
	token := s.Token("ory_rt_AAEC.sig")
	for _, half := range []string{"junk.sig", ".sig", "ory_rt_.sig", "ory_at_AAEC.sig", "AA EC.sig"} {
		if h := s.Token(half); !bytes.Equal(h.Signature, token.Signature) || bytes.Equal(h.Whole, token.Whole) {
			t.Errorf("%q: the signature is the token's, and nothing else", half)
		}
	}
	for _, other := range []string{"sig", "AAEC", "ory_rt_AAEC.sig.x", "AAEC.Sig", "AAEC. sig", "AAEC.sig\n"} {
		if h := s.Token(other); bytes.Equal(h.Signature, token.Signature) || len(h.Signature) == 0 {
			t.Errorf("%q: another signature", other)
		}
	}
}

func TestHashesNeedTheKey(t *testing.T) {
	now := noon
	a, b := sealer(t, &now, "a"), sealer(t, &now, "b")
	if bytes.Equal(a.Token("ory_rt_x.y").Whole, b.Token("ory_rt_x.y").Whole) ||
		bytes.Equal(a.Token("ory_rt_x.y").Signature, b.Token("ory_rt_x.y").Signature) || bytes.Equal(a.Hash("x"), b.Hash("x")) {
		t.Error("two keys hash alike")
	}
	if !bytes.Equal(a.Token("ory_rt_x.y").Whole, a.Token("x.y").Whole) {
		t.Error("Hydra takes a token without its prefix too")
	}
}
