package accesskey_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
)

const (
	first  = "the first key, of 32 characters!"
	second = "the second key, of 32 characters"
)

func TestValidate(t *testing.T) {
	for key, want := range map[string]error{
		"": accesskey.ErrShort, "x": accesskey.ErrShort, first[1:]: accesskey.ErrShort,
		strings.Repeat("\u00e9", 31): accesskey.ErrShort, // 62 bytes
		strings.Repeat(" ", 32):      accesskey.ErrUnsendable, first + " ": accesskey.ErrUnsendable, "\t" + first: accesskey.ErrUnsendable,
		first + "\n": accesskey.ErrUnsendable, first[:20] + "\x00" + first[20:]: accesskey.ErrUnsendable,
		first: nil, second + second: nil, strings.Repeat("\u00e9", 32): nil,
	} {
		if err := accesskey.Validate(key); !errors.Is(err, want) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestHas(t *testing.T) {
	keys := accesskey.NewKeys(first, second)
	for key, want := range map[string]bool{
		first: true, second: true,
		"": false, first[1:]: false, first + " ": false, strings.ToUpper(first): false, first + "\x00": false,
		first + second: false, strings.Repeat(first, 1000): false,
	} {
		if keys.Has(key) != want {
			t.Errorf("%.40q: %t", key, !want)
		}
	}
	if accesskey.NewKeys().Has("") || accesskey.NewKeys("").Has("") {
		t.Error("no key opens")
	}
	if keys.Derive("a") == keys.Derive("b") || keys.Derive("a") == accesskey.NewKeys(second, first).Derive("a") ||
		keys.Derive("a") != accesskey.NewKeys(first, second).Derive("a") {
		t.Error("derived secrets do not follow the purpose and the keys")
	}
}

// TestGuard limits, counts and logs wrong keys per source. The right key always
// passes, and the log has no key.
func TestGuard(t *testing.T) {
	var log bytes.Buffer
	now, counted := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), 0
	guard := accesskey.New(accesskey.Config{
		Keys: []string{first, second}, Now: func() time.Time { return now },
		Source: func(r *http.Request) string { return r.RemoteAddr },
		Failed: func(string) { counted++ }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	from := func(source, key string) error {
		return guard.Check((&http.Request{RemoteAddr: source}).WithContext(t.Context()), "hook", key)
	}
	many := func(source string) (n int) {
		var late accesskey.TooMany
		for !errors.As(from(source, second[1:]), &late) {
			n++
		}
		if late.RetryAfter() != "3" || !errors.Is(late, accesskey.ErrWrong) {
			t.Errorf("to wait %s", late.RetryAfter())
		}
		return n
	}
	if n := many("192.0.2.0/24"); n != 20 {
		t.Errorf("%d wrong keys at once", n)
	}
	for _, source := range []string{"192.0.2.0/24", "198.51.100.0/24"} {
		for _, key := range []string{first, second} {
			if err := from(source, key); err != nil {
				t.Errorf("the right key from %s: %v", source, err)
			}
		}
	}
	now = now.Add(6 * time.Second)
	if n := many("192.0.2.0/24"); n != 2 {
		t.Errorf("%d more after six seconds", n)
	}
	if n := many("198.51.100.0/24"); n != 20 || counted != 24+21 {
		t.Errorf("%d from elsewhere, %d in all", n, counted)
	}
	for n := range 10_000 { // many networks do not fill the log
		_ = from(fmt.Sprintf("2001:db8:%x::/48", n), "")
	}
	if lines := strings.Count(log.String(), "\n"); lines != 100 || strings.Contains(log.String(), second[5:20]) {
		t.Errorf("%d lines\n%.2000s", lines, &log)
	}
	if !strings.Contains(log.String(), "source=198.51.100.0/24 times=16") {
		t.Errorf("%.2000s", &log)
	}
	if text := fmt.Sprintf("%v %+v %#v", guard, guard, guard); strings.Contains(text, first) {
		t.Error("a guard prints its keys")
	}
	if !guard.Any() || (*accesskey.Guard)(nil).Any() || accesskey.New(accesskey.Config{}).Any() {
		t.Error("any keys?")
	}
	if err := (*accesskey.Guard)(nil).Check(&http.Request{}, "hook", first); !errors.Is(err, accesskey.ErrWrong) {
		t.Errorf("no guard: %v", err)
	}
}
