package observe

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// maxField is the most bytes of a structured field that are read.
const maxField = 1024

// errSyntax says that a header is no structured field of the expected type.
// Nobody is told: such a header counts as absent.
var errSyntax = errors.New("no such structured field")

// item is a member of a structured field: a string, token or boolean, as far
// as client hints use them, with its string parameters.
type item struct {
	kind   byte   // 's' string, 't' token, 'b' boolean, 'x' anything else
	text   string // of strings and tokens
	truth  bool   // of booleans
	params map[string]string
}

// field returns the header's lines joined, as RFC 9651 §4.2 wants them, or ""
// where it is missing or too long.
func field(h http.Header, name string) string {
	lines := h.Values(name)
	size := 0
	for _, line := range lines {
		size += len(line) + 2
	}
	if size > maxField+2 {
		return ""
	}
	return strings.Join(lines, ", ")
}

// parseItem parses a structured field of type Item (RFC 9651 §4.2.3).
func parseItem(text string) (item, error) {
	s := scanner{strings.Trim(text, " ")}
	parsed, err := s.item()
	if err != nil || s.rest != "" {
		return item{}, errSyntax
	}
	return parsed, nil
}

// parseList parses a structured field of type List without inner lists
// (RFC 9651 §4.2.1).
func parseList(text string) ([]item, error) {
	s := scanner{strings.Trim(text, " ")}
	var items []item
	for s.rest != "" {
		parsed, err := s.item()
		if err != nil {
			return nil, err
		}
		items = append(items, parsed)
		s.rest = strings.TrimLeft(s.rest, " \t")
		if s.rest == "" {
			return items, nil
		}
		if !s.take(',') {
			return nil, errSyntax
		}
		s.rest = strings.TrimLeft(s.rest, " \t")
		if s.rest == "" {
			return nil, errSyntax // trailing comma
		}
	}
	return items, nil
}

// scanner reads from the front of a structured field.
type scanner struct{ rest string }

func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// run takes the longest start whose bytes all satisfy ok.
func (s *scanner) run(ok func(byte) bool) string {
	n := 0
	for n < len(s.rest) && ok(s.rest[n]) {
		n++
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

func (s *scanner) item() (item, error) {
	parsed, err := s.bare()
	if err != nil {
		return item{}, err
	}
	for s.take(';') {
		s.rest = strings.TrimLeft(s.rest, " ")
		if s.rest == "" || !(lower(s.rest[0]) || s.rest[0] == '*') {
			return item{}, errSyntax
		}
		key := s.run(func(c byte) bool { return lower(c) || digit(c) || strings.IndexByte("_-.*", c) >= 0 })
		value := item{kind: 'b', truth: true}
		if s.take('=') {
			if value, err = s.bare(); err != nil {
				return item{}, err
			}
		}
		if parsed.params == nil {
			parsed.params = map[string]string{}
		}
		parsed.params[key] = value.text // the last of a name counts
	}
	return parsed, nil
}

// bare reads a bare item (RFC 9651 §4.2.3.1).
func (s *scanner) bare() (item, error) {
	if s.rest == "" {
		return item{}, errSyntax
	}
	switch c := s.rest[0]; {
	case c == '"':
		text, err := s.quoted()
		return item{kind: 's', text: text}, err
	case c == '?':
		return s.boolean()
	case c == '*' || lower(c|0x20):
		const others = ":/!#$%&'*+-.^_`|~"
		return item{kind: 't', text: s.run(func(c byte) bool {
			return lower(c|0x20) || digit(c) || strings.IndexByte(others, c) >= 0
		})}, nil
	case c == '-' || digit(c):
		return item{kind: 'x'}, s.number()
	case c == '@': // a date
		s.rest = s.rest[1:]
		if number := s.rest; s.number() != nil ||
			strings.Contains(number[:len(number)-len(s.rest)], ".") {
			return item{}, errSyntax
		}
		return item{kind: 'x'}, nil
	case c == ':':
		return item{kind: 'x'}, s.bytes()
	default: // display strings too: no hint is one
		return item{}, errSyntax
	}
}

func (s *scanner) boolean() (item, error) {
	if len(s.rest) < 2 || (s.rest[1] != '0' && s.rest[1] != '1') {
		return item{}, errSyntax
	}
	truth := s.rest[1] == '1'
	s.rest = s.rest[2:]
	return item{kind: 'b', truth: truth}, nil
}

// quoted reads a string: printable ASCII, with \" and \\ (RFC 9651 §4.2.5).
func (s *scanner) quoted() (string, error) {
	var text strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return text.String(), nil
		case c == '\\':
			i++
			if i >= len(s.rest) || (s.rest[i] != '"' && s.rest[i] != '\\') {
				return "", errSyntax
			}
			text.WriteByte(s.rest[i])
		case c < 0x20 || c > 0x7e:
			return "", errSyntax
		default:
			text.WriteByte(c)
		}
	}
	return "", errSyntax
}

// number reads an integer of at most 15 digits or a decimal of at most 12
// before and 3 after its point (RFC 9651 §4.2.4).
func (s *scanner) number() error {
	s.take('-')
	whole := s.run(digit)
	if whole == "" || len(whole) > 15 {
		return errSyntax
	}
	if !s.take('.') {
		return nil
	}
	fraction := s.run(digit)
	if len(whole) > 12 || fraction == "" || len(fraction) > 3 {
		return errSyntax
	}
	return nil
}

// bytes reads a byte sequence (RFC 9651 §4.2.7).
func (s *scanner) bytes() error {
	encoded, rest, closed := strings.Cut(s.rest[1:], ":")
	if !closed || strings.ContainsAny(encoded, "\r\n") {
		return errSyntax
	}
	s.rest = rest
	if _, err := base64.StdEncoding.DecodeString(encoded); err != nil {
		return errSyntax
	}
	return nil
}

func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }
