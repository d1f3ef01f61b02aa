package house

import (
	"testing"

	"github.com/lanyard-id/lanyard/store/pgtest"
)

// Address returns a free address of this machine, to listen on. No other house
// gets it before the test's end, whether anybody listens there or not.
func Address(t testing.TB) string {
	t.Helper()
	return ports(t, 1)[0]
}

func ports(t testing.TB, n int) []string {
	t.Helper()
	free := make([]string, n)
	for i := range free {
		port, release, err := pgtest.Port()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := release(); err != nil {
				t.Error(err)
			}
		})
		free[i] = "127.0.0.1:" + port
	}
	return free
}
