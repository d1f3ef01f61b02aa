// Package house runs the real lanyard for tests: it builds the binary, gives
// it a configuration, a database and free ports, and brings people with
// browsers and clients to its doors.
//
// # Objects
//
// A [House] is one installation; its server can be started, ended, killed and
// joined by replicas. A [Browser] goes through the pages as a person does. A
// [Hand] is somebody with a client on a device, spelled out in plain HTTP.
//
// # Guarantees
//
//   - Nothing is skipped: what the machine lacks fails the test with the
//     command that installs it.
//   - A server that a test started ends with the test, and must end in order.
//
// # Not here
//
// No package of the product is called: everything goes over HTTP or the
// command line.
package house
