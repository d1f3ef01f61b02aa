package devices

import (
	"strings"
	"unicode"
)

// Misleads reports whether a character makes a text look like another one: a
// control character, a line or paragraph separator, a control of the writing
// direction (Unicode UAX #9), or one that takes no space. The joiners U+200C
// and U+200D are not among them: words and emoji need them.
func Misleads(r rune) bool {
	switch {
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return true
	}
	return r == '\u200b' || r == '\ufeff' || r >= '\u2060' && r <= '\u206f' || r >= '\ufff9' && r <= '\ufffb'
}

// Plain returns the text without the characters that mislead.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if Misleads(r) {
			return -1
		}
		return r
	}, text)
}
