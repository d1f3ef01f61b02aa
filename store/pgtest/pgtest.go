package pgtest

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
)

// shared are the servers of this process, one for each way to run. A test
// binary has no other place to keep what its tests share.
var shared struct {
	sync.Mutex
	servers map[Options]*running
}

type running struct {
	*Server
	template string // a migrated database to copy, by name
}

// Empty returns the URL of an empty database, which goes with the test.
func Empty(t testing.TB) string {
	t.Helper()
	return On(t, Options{}, false)
}

// Fresh returns the URL of a database that has the schema, which goes with the
// test. The first one takes a second, the others some ten milliseconds.
func Fresh(t testing.TB) string {
	t.Helper()
	return On(t, Options{}, true)
}

// On is Empty or Fresh on the shared server that runs as o says. Where
// TEST_DATABASE_URL names a server, that one is used whatever o says.
func On(t testing.TB, o Options, migrated bool) string {
	t.Helper()
	s, err := sharedServer(o)
	if err != nil {
		t.Fatal(err)
	}
	template := ""
	if migrated {
		template = s.template
	}
	return s.lend(t, template)
}

// lend makes a copy of the database of that name, or an empty one, which goes
// with the test.
func (s *running) lend(t testing.TB, template string) string {
	t.Helper()
	to, err := s.Create(context.Background(), template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.drop(context.Background(), to); err != nil {
			t.Error(err)
		}
	})
	return to
}

// Furnished returns what gives each test a database of its own, on the server
// of Fresh, that holds what furnish puts into a Fresh one. It does so once, in
// the first test that asks, and has closed its connections when it returns.
func Furnished(furnish func(t testing.TB, url string)) func(testing.TB) string {
	var once sync.Once
	var template string
	return func(t testing.TB) string {
		t.Helper()
		s, err := sharedServer(Options{})
		if err != nil {
			t.Fatal(err)
		}
		once.Do(func() {
			made, err := s.Create(context.Background(), s.template)
			if err != nil {
				t.Fatal(err)
			}
			if furnish(t, made); !t.Failed() {
				template = database(made)
			}
		})
		if template == "" {
			t.Fatal("the database was not furnished")
		}
		return s.lend(t, template)
	}
}

func sharedServer(o Options) (*running, error) {
	shared.Lock()
	defer shared.Unlock()
	given := os.Getenv("TEST_DATABASE_URL")
	if given != "" {
		o = Options{}
	}
	if s := shared.servers[o]; s != nil {
		return s, nil
	}
	ctx := context.Background()
	s := &Server{admin: given, stop: func() error { return nil }}
	if given == "" {
		var err error
		if s, err = Launch(ctx, o); err != nil {
			return nil, err
		}
	}
	to, err := s.Migrated(ctx)
	if err != nil {
		return nil, err
	}
	if shared.servers == nil {
		shared.servers = map[Options]*running{}
	}
	shared.servers[o] = &running{Server: s, template: database(to)}
	return shared.servers[o], nil
}

// database returns the name in the URL of a database.
func database(url string) string {
	_, path, _ := strings.Cut(url, "://")
	name, _, _ := strings.Cut(path[strings.Index(path, "/")+1:], "?")
	return name
}
