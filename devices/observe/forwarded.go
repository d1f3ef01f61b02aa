package observe

import (
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// forwardedHops reads the lines of Forwarded (RFC 7239).
func forwardedHops(lines []string) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, line := range slices.Backward(lines) {
			for line != "" {
				var element string
				line, element = lastElement(line)
				// Empty elements are ignored (RFC 9110 §5.6.1.2).
				if element != "" && !yield(forwardedFor(element)) {
					return
				}
			}
		}
	}
}

// lastElement splits off the text after the last comma outside quotes. It goes
// from the right, so that an unclosed quote of a stranger cannot swallow what
// a proxy has appended.
func lastElement(line string) (before, element string) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch {
		case line[i] == '"' && (!quoted || !escaped(line[:i])):
			quoted = !quoted
		case line[i] == ',' && !quoted:
			return line[:i], strings.Trim(line[i+1:], " \t")
		}
	}
	return "", strings.Trim(line, " \t")
}

// escaped reports whether the byte after text is quoted by a backslash.
func escaped(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

// forwardedFor returns the address of the one "for" parameter of an element of
// Forwarded (RFC 7239 §4). It is invalid if the element is malformed, has no
// such parameter or two, or hides the address.
func forwardedFor(element string) netip.Addr {
	var addr netip.Addr
	found := false
	for rest := element; ; {
		rest = strings.TrimLeft(rest, "; \t")
		if rest == "" {
			return addr
		}
		name, after, ok := strings.Cut(rest, "=")
		if !ok || !token(name) {
			return netip.Addr{}
		}
		value, after, ok := pairValue(after)
		if !ok {
			return netip.Addr{}
		}
		if strings.EqualFold(name, "for") {
			if found {
				return netip.Addr{} // a parameter occurs once
			}
			found, addr = true, node(value)
		}
		rest = after
	}
}

// pairValue splits off the value of a pair: a quoted string, or the text up to
// the next semicolon. Proxies leave out the quotes that RFC 7239 wants around
// colons and brackets, so the latter may be any text without quotes.
func pairValue(text string) (value, rest string, ok bool) {
	if quoted, is := strings.CutPrefix(text, `"`); is {
		value, rest, ok = unquote(quoted)
		rest = strings.TrimLeft(rest, " \t")
		return value, rest, ok && (rest == "" || rest[0] == ';')
	}
	end := strings.IndexByte(text, ';')
	if end < 0 {
		end = len(text)
	}
	value = strings.TrimRight(text[:end], " \t")
	return value, text[end:], value != "" && !strings.ContainsAny(value, "\" \t\\,")
}

// unquote returns a quoted string whose opening quote has been read
// (RFC 9110 §5.6.4), and the text after its closing one.
func unquote(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

// token reports whether text is a token (RFC 9110 §5.6.2).
func token(text string) bool {
	for i := range len(text) {
		if c := text[i]; !lower(c|0x20) && !digit(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}
