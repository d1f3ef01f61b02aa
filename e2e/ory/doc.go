// Package ory runs the real Ory Hydra and Ory Kratos beside lanyard, for tests
// and measurements: it builds both from the modules in its folders, keeps the
// binaries in the user's cache, and starts them on loopback.
//
// Its tests need minutes for the first build, so they stand behind the build
// tag "ory": go test -tags ory ./e2e/ory.
package ory
