package store

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard/devices"
)

// micros is a time in a row: microseconds since 1970 in UTC, 0 for none.
type micros int64

func at(t time.Time) micros {
	if t.IsZero() {
		return 0
	}
	return micros(t.UnixMicro())
}

func (m micros) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// packed is a list, a map or a struct in a row: JSON text, empty for a zero
// value and for an empty list or map.
type packed[T any] struct{ V T }

func pack[T any](v T) packed[T] { return packed[T]{v} }

// Value returns the text for the row.
func (p packed[T]) Value() (driver.Value, error) {
	v := reflect.ValueOf(&p.V).Elem()
	if v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0 {
		return "", nil
	}
	text, err := json.Marshal(p.V)
	return string(text), err
}

// Scan reads the text of a row.
func (p *packed[T]) Scan(from any) error {
	var zero T
	p.V = zero
	var text []byte
	switch from := from.(type) {
	case string:
		text = []byte(from)
	case []byte:
		text = from
	default:
		return fmt.Errorf("JSON text expected, not %T", from)
	}
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, &p.V)
}

// words is a list in a column, one a line, of what holds no line break. It is
// read at every refresh, and costs a tenth of JSON.
type words []string

// Value returns the text for the row.
func (w words) Value() (driver.Value, error) { return strings.Join(w, "\n"), nil }

// Scan reads the text of a row.
func (w *words) Scan(from any) error {
	text, ok := from.(string)
	if !ok {
		return fmt.Errorf("words expected, not %T", from)
	}
	*w = nil
	if text != "" {
		*w = strings.Split(text, "\n")
	}
	return nil
}

// clean reports whether a database can hold the text: PostgreSQL refuses NUL
// and broken UTF-8 in the middle of a transaction. What is looked for by other
// text does not exist.
func clean(texts ...string) bool {
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
			return false
		}
	}
	return true
}

var errText = errors.New("holds NUL or is not UTF-8")

// writable returns devices.ErrInvalid, naming the field, if a record holds
// text that no database can hold.
func writable(records ...any) error {
	for _, r := range records {
		if err := walk(reflect.ValueOf(r)); err != nil {
			return fmt.Errorf("%w: %w", devices.ErrInvalid, err)
		}
	}
	return nil
}

func walk(v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		if !clean(v.String()) {
			return errText
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return walk(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[netip.Addr]() {
			return nil
		}
		for i := range v.NumField() {
			if err := walk(v.Field(i)); err != nil {
				return fmt.Errorf("%s %w", v.Type().Field(i).Name, err)
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range v.Len() {
			if err := walk(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := errors.Join(walk(key), walk(v.MapIndex(key))); err != nil {
				return err
			}
		}
	default: // holds no text
	}
	return nil
}
