package pgtest_test

import (
	"net"
	"testing"

	"github.com/lanyard-id/lanyard/store/pgtest"
)

// A port is one's own while nobody listens on it, too: nobody else is given
// it, and any server can have it.
func TestPort(t *testing.T) {
	given := map[string]bool{}
	for range 300 {
		port, release, err := pgtest.Port()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := release(); err != nil {
				t.Error(err)
			}
		})
		if given[port] {
			t.Fatalf("port %s is given out twice", port)
		}
		given[port] = true
	}
	for port := range given {
		address := net.JoinHostPort("127.0.0.1", port)
		if other, err := net.ListenPacket("udp4", address); err == nil {
			_ = other.Close()
			t.Errorf("another process could be given port %s", port)
		}
		for range 2 {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
