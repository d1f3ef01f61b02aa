package sqlitetest_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// Every database is whole, and nothing of one is in another.
func TestFresh(t *testing.T) {
	for range 2 {
		url := sqlitetest.Fresh(t)
		took, err := store.MigrateUp(t.Context(), url)
		if err != nil || len(took) > 0 {
			t.Fatalf("the schema lacked %v (%v)", took, err)
		}
		s, err := store.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.CreateUser(t.Context(), oauth.User{Subject: "ada", Identifier: "ada"}); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFreshGoesWithTheTest(t *testing.T) {
	var file string
	t.Run("", func(t *testing.T) { file = strings.TrimPrefix(sqlitetest.Fresh(t), "sqlite:") })
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", file, err)
	}
}

// What furnishing made is in every copy, and it is done once.
func TestFurnished(t *testing.T) {
	times := 0
	furnished := sqlitetest.Furnished(func(t testing.TB, url string) {
		times++
		with(t, url, func(s *store.Store) error {
			return s.CreateUser(t.Context(), oauth.User{Subject: "ada", Identifier: "ada"})
		})
	})
	for range 2 {
		with(t, furnished(t), func(s *store.Store) error {
			if _, err := s.User(t.Context(), "bob"); err == nil {
				t.Error("a row of another database")
			}
			if _, err := s.User(t.Context(), "ada"); err != nil {
				return err
			}
			return s.CreateUser(t.Context(), oauth.User{Subject: "bob", Identifier: "bob"})
		})
	}
	if times != 1 {
		t.Errorf("furnished %d times", times)
	}
}

func with(t testing.TB, url string, do func(*store.Store) error) {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(s), s.Close()); err != nil {
		t.Error(err)
	}
}
