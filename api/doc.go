// Package api is the JSON door: the owners' device API on the public listener
// and the operators' API on the admin listener, both described by OpenAPI 3.1.
//
// # Objects
//
// [New] is the device API, [NewAdmin] the admin API. [Authenticator] tells who
// calls the one, bearer tokens or the loopback interface who calls the other.
// [Problem] is the body of every answer that is not a success.
//
// # Guarantees
//
//   - Thin: every rule about devices is in package devices. A route takes the
//     caller's own subject from the Authenticator and never from the request,
//     so that another subject's device is unknown here (404, the same answer).
//   - Trouble is 503 with Retry-After and never a 4xx, which would end a
//     session; only a proved bad credential is 401.
//   - One table turns an error into its status and stable code, and the text
//     of an error that is not in it never leaves the house.
//   - The two APIs are two handlers on two muxes: the public one has no path
//     under /admin.
//
// # Decisions
//
// PATCH bodies are read by a strict reader of this package. huma's validator
// lets a null pass wherever a member may be absent and matches names whatever
// their case; a null permission must be refused, not ignored.
//
// huma makes its own errors through a package-level variable. It is left as it
// is: a transformer turns what huma made into a [Problem].
//
// Identifiers are UUIDs in their canonical form. Anything else in a path is an
// unknown one, and in a cursor a mistake: neither reaches the database.
//
// # Not here
//
// No tokens are made or verified here, no SQL, no policy, no pages.
package api
