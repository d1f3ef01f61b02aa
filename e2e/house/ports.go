package house

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Address returns a free address of this machine, to listen on.
func Address(t testing.TB) string {
	t.Helper()
	return ports(t, 1)[0]
}

// ports returns free addresses of this machine. They are below those that
// systems give to outgoing connections: otherwise a client could be given the
// port of a server that is down, and even connect to itself.
func ports(t testing.TB, n int) []string {
	t.Helper()
	var free []string
	for range 1000 {
		if len(free) == n {
			break
		}
		address := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(19000))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		free = append(free, address)
	}
	if len(free) < n {
		t.Fatal("no free ports between 12000 and 31000")
	}
	return free
}
