// Package pgtest gives tests a real PostgreSQL: a private, throw-away server
// started from the binaries of this machine, as root or not. It never skips.
//
// # Objects
//
// A [Server] is one cluster in a directory of its own. [Fresh] and [Empty]
// give a test a database on a server that all tests of the process share.
// [Count] puts a counter between a client and a database.
//
// # Guarantees
//
//   - The server stops and its directory goes when the process that started it
//     ends, in whatever way.
//
// # Not here
//
// No containers and no network but loopback.
package pgtest
