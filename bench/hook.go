package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/lanyard-id/lanyard/store/pgtest"
)

// hookAlone measures the hook without any Hydra.
func hookAlone(ctx context.Context, p plan) error {
	pg, err := pgtest.Launch(ctx, pgtest.Options{TCP: true, Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close() }() // it is thrown away
	dir, err := os.MkdirTemp("", "lanyard-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the temporary directory
	at, err := addresses(2)
	if err != nil {
		return err
	}
	f := &fixture{public: at[0]}
	database, err := pg.Migrated(ctx)
	if err == nil {
		f.watch, err = sql.Open("pgx", database)
	}
	if err == nil {
		err = f.serve(ctx, dir, database, at[1], "")
	}
	if err == nil {
		err = f.raceHook(ctx, p)
	}
	return errors.Join(err, f.stop())
}

// raceHook asks the hook and nobody else.
func (f *fixture) raceHook(ctx context.Context, p plan) error {
	hook, err := asked(f.public)
	if err == nil {
		err = fillChains(ctx, f.watch)
	}
	if err != nil {
		return err
	}
	for _, workers := range []int{1, 4, 16} {
		if err := compare(ctx, p, f.watch, []contestant{hook}, workers); err != nil {
			return err
		}
	}
	return nil
}

// allow serves a token hook that allows whatever it is asked, and returns its
// URL: what any hook costs Hydra.
func (f *fixture) allow() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	f.nothing = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = f.nothing.Serve(listener) }() // until it is closed
	return "http://" + listener.Addr().String(), nil
}

// asked is the token hook asked about refreshes, without Hydra around it and
// without the gateway before it. The requests are written by hand, because
// generator and server share the processors.
func asked(address string) (contestant, error) {
	kept := map[int]*hookLine{} // by worker, from slice to slice
	line := func(n int) (*hookLine, error) {
		if kept[n] == nil {
			connection, err := net.Dial("tcp", address)
			if err != nil {
				return nil, err
			}
			kept[n] = &hookLine{connection, bufio.NewReader(connection), address}
		}
		return kept[n], nil
	}
	first, err := line(0)
	if err != nil {
		return contestant{}, err
	}
	if err := first.post("authorization_code", 0); err != nil {
		return contestant{}, err
	}
	return contestant{"the hook alone, refresh", func(n int) (func(context.Context) error, error) {
		l, err := line(n)
		i := 0
		return func(context.Context) error {
			i++
			return l.post("refresh_token", (n+i)*aside%hookChains)
		}, err
	}}, nil
}

// hookChains is how many chains there are. Those asked about one after the
// other lie apart in the table and in its index.
const (
	hookChains = 100_000
	aside      = 7919
)

// fillChains makes copies of the first chain, which the hook has opened.
func fillChains(ctx context.Context, db *sql.DB) error {
	for _, statement := range []string{
		`INSERT INTO subjects (id, disabled_at, created_at) SELECT 'hook-' || i, 0, 0
 FROM generate_series(1, $1::int - 1) AS i`,
		`INSERT INTO grants SELECT r.* FROM (SELECT g FROM grants AS g WHERE external_ref = 'hook-0') AS t,
 generate_series(1, $1::int - 1) AS i, LATERAL jsonb_populate_record(t.g, jsonb_build_object(
 'id', 'g-' || md5(i::text), 'subject', 'hook-' || i, 'external_ref', 'hook-' || i)) AS r`,
	} {
		if _, err := db.ExecContext(ctx, statement, hookChains); err != nil {
			return fmt.Errorf("make %d chains: %w", hookChains, err)
		}
	}
	_, err := db.ExecContext(ctx, "VACUUM ANALYZE")
	return err
}

// hookLine is a kept connection to the hook.
type hookLine struct {
	net.Conn
	reader *bufio.Reader
	host   string
}

// post asks the hook about chain n, in the words of Hydra v2.3.0.
func (l *hookLine) post(kind string, n int) error {
	body := fmt.Sprintf(hookBody, n, n, n, kind)
	if err := l.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(l, "POST /hooks/hydra/token HTTP/1.1\r\nHost: %s\r\nX-Hook-Key: %s\r\n"+
		"Content-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", l.host, hookKey, len(body), body)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(l.reader, nil)
	if err != nil {
		return err
	}
	if _, err = io.Copy(io.Discard, answer.Body); err == nil && answer.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("hook: %s", answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

const hookBody = `{"session":{"id_token":{"id_token_claims":{"jti":"","iss":"http://127.0.0.1:4444","sub":"hook-%d",` +
	`"aud":["hook"],"nonce":"","exp":"2026-11-23T12:00:00Z","iat":"2026-11-23T12:00:00Z","rat":"2026-11-23T12:00:00Z",` +
	`"auth_time":"2026-11-23T12:00:00Z","at_hash":"","acr":"","amr":[],"c_hash":"",` +
	`"ext":{"sid":"c9e2f7a0-93c1-4f0c-8d46-2c1f2b7d1f5b"}},"headers":{"extra":{"kid":"hydra.openid.id-token"}},` +
	`"username":"","subject":"hook-%d"},"extra":{},"client_id":"hook","consent_challenge":"hook-%d",` +
	`"exclude_not_before_claim":false,"allowed_top_level_claims":[],"mirror_top_level_claims":true},` +
	`"request":{"client_id":"hook","requested_scopes":["openid","offline_access"],` +
	`"granted_scopes":["openid","offline_access"],"granted_audience":[],"grant_types":["%s"],"payload":{}}}`
