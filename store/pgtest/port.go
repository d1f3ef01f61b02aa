package pgtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports that are given out are below those that systems give to outgoing
// connections and to who asks for any: otherwise a client could be given the
// port of a server that is down, and even connect to itself.
const lowest, highest = 12_000, 31_000

// Port returns a port of 127.0.0.1 on which nobody listens. Until release is
// called, or this process ends, nobody else who asks here gets it, in whatever
// process: a server can be stopped and started again on it. What is held in
// between is the UDP port of the same number.
func Port() (port string, release func() error, err error) {
	for range 1000 {
		n := lowest + rand.IntN(highest-lowest)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
		held, err := net.ListenPacket("udp4", address)
		if err != nil {
			continue
		}
		free, err := net.Listen("tcp4", address)
		if err == nil {
			err = free.Close()
		}
		if err == nil {
			return strconv.Itoa(n), held.Close, nil
		}
		_ = held.Close() // nothing was sent
	}
	return "", nil, fmt.Errorf("no free port between %d and %d", lowest, highest)
}
