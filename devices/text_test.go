package devices_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/devices"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"Ada's laptop": "Ada's laptop", "נייד של עדה": "נייד של עדה", "👩\u200d💻": "👩\u200d💻", "می\u200cخواهم": "می\u200cخواهم",
		"lap\u202etop": "laptop", "\u2066a\u2069": "a", "a\u200eb\u200fc\u061cd": "abcd", "a\nb\x1b[2J\u009b": "ab[2J",
		"a\u2028b\u200bc\ufeffd\u2060e": "abcde",
	} {
		if got := devices.Plain(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
