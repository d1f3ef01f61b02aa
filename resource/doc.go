// Package resource is for resource servers: the APIs that are called with
// access tokens of this server. It checks a token, and says whose it is and on
// which device.
//
//	guard, err := resource.Discover(ctx, resource.Config{
//		Issuer: "https://id.example.com", ClientID: "notes-api", ClientSecret: secret,
//	})
//	…
//	mux.Handle("GET /notes", guard.Require("notes.read")(http.HandlerFunc(notes)))
//
// and in the handler resource.From(r.Context()) is the token.
//
// By default each token is asked about at the issuer (RFC 7662), so that an
// ended device is refused at its next request. With Config.Offline tokens that
// are JWTs are believed by their signature (RFC 9068), which costs no request,
// and an ended device is served until its token expires.
//
// # Not here
//
// No judgments: what a device looks like is compared where tokens are
// refreshed. Proofs are remembered by each process for itself.
package resource
