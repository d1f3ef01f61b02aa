// Package conformance holds the server to the modules of the OpenID
// conformance suite, each ported as a test under its own name, over real HTTP
// and TLS against the binary. docs/conformance.md tells more.
//
// # Not here
//
// The suite's own code, and what it cannot see: stories of devices are in
// package e2e.
package conformance
