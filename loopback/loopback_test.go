package loopback_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/loopback"
)

func TestHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost:4478": true, "127.0.0.1": true, "127.8.9.10:80": true, "[::1]:4478": true, "::1": true,
		"[::ffff:127.0.0.1]:1": true, "[::1]": true,
		"": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "0.0.0.0": false, "10.0.0.1:1": false,
		"[::1": false, "localhost]": false, "[localhost": false, "[::]:4478": false, "evil.example.com:4478": false, "2130706433": false, "127.1": false, ":4478": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, row := range map[string]struct {
		peer, host string
		header     http.Header
		want       error
	}{
		"a program":                 {},
		"over IPv6":                 {peer: "[::1]:50", host: "[::1]:4478"},
		"a typed address":           {header: http.Header{"Sec-Fetch-Site": {"none"}}},
		"a link of the page's own":  {header: http.Header{"Sec-Fetch-Site": {"same-origin"}}},
		"a form of the page's own":  {header: http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"http://127.0.0.1:4478"}}},
		"the same by an old client": {header: http.Header{"Origin": {"http://127.0.0.1:4478"}}},

		"another machine":               {peer: "192.0.2.1:50", want: loopback.ErrElsewhere},
		"no peer":                       {peer: "@", want: loopback.ErrElsewhere},
		"a name that was rebound":       {host: "evil.example.com:4478", want: loopback.ErrElsewhere},
		"no name":                       {host: ":4478", want: loopback.ErrElsewhere},
		"a proxy":                       {header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}, want: loopback.ErrElsewhere},
		"a proxy with an empty one":     {header: http.Header{"X-Forwarded-For": {""}}, want: loopback.ErrElsewhere},
		"a proxy by RFC 7239":           {header: http.Header{"Forwarded": {"for=192.0.2.1"}}, want: loopback.ErrElsewhere},
		"a proxy that says Via":         {header: http.Header{"Via": {"1.1 vegur"}}, want: loopback.ErrElsewhere},
		"a proxy that says little":      {header: http.Header{"X-Forwarded-Proto": {"https"}}, want: loopback.ErrElsewhere},
		"a proxy that names its client": {header: http.Header{"X-Client-Ip": {"192.0.2.1"}}, want: loopback.ErrElsewhere},
		"a network before it":           {header: http.Header{"True-Client-Ip": {"192.0.2.1"}}, want: loopback.ErrElsewhere},
		"an Envoy":                      {header: http.Header{"X-Envoy-External-Address": {"192.0.2.1"}}, want: loopback.ErrElsewhere},
		"a proxy of the operator's":     {header: http.Header{"X-Our-Client": {"192.0.2.1"}}, want: loopback.ErrElsewhere},
		"a proxy that names its host":   {header: http.Header{"X-Original-Host": {"admin.example.com"}}, want: loopback.ErrElsewhere},

		"a link of another site":     {header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, want: loopback.ErrCrossSite},
		"another port":               {header: http.Header{"Sec-Fetch-Site": {"same-site"}}, want: loopback.ErrCrossSite},
		"a script of another port":   {header: http.Header{"Origin": {"http://127.0.0.1:3000"}}, want: loopback.ErrCrossSite},
		"a script of another name":   {header: http.Header{"Origin": {"http://localhost:4478"}}, want: loopback.ErrCrossSite},
		"a script of another scheme": {header: http.Header{"Origin": {"https://127.0.0.1:4478"}}, want: loopback.ErrCrossSite},
		"an opaque origin":           {header: http.Header{"Origin": {"null"}}, want: loopback.ErrCrossSite},
		"two origins":                {header: http.Header{"Origin": {"http://127.0.0.1:4478", "https://evil.example.com"}}, want: loopback.ErrCrossSite},
	} {
		r := &http.Request{Method: http.MethodGet, RemoteAddr: "127.0.0.1:50", Host: "127.0.0.1:4478", Header: row.header}
		if row.peer != "" {
			r.RemoteAddr = row.peer
		}
		if row.host != "" {
			r.Host = row.host
		}
		if err := loopback.Check(r, "X-Our-Client"); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}
