// Package provider is the standalone entrance: an OAuth 2.0 authorization
// server and OpenID Provider whose refresh tokens work only on the device
// they were given to.
//
// # Objects
//
// One file holds one endpoint. [Provider] carries what they share; its Mount
// is the table of routes.
//
// # Guarantees
//
//   - A refresh token that does not verify, or is another client's, changes
//     nothing. One that verifies is judged before it is rotated.
//   - Store trouble is 503 with Retry-After, never a 4xx, since clients end
//     their session on a 4xx.
//   - A refusal is one generic invalid_grant; reasons go to the owner.
//   - Issuer and URLs come from configuration, never from a header.
//   - Every authorization request has PKCE with S256 (RFC 7636), every
//     authorization answer has iss (RFC 9207).
//
// # Decisions
//
// fosite parses requests, authenticates clients by their secrets, checks
// redirect URIs, response types and scopes, and names the errors. The grants themselves are
// token endpoint handlers of this package and not fosite's: fosite's spread
// one authorization over five stored sessions, delete the PKCE session before
// it is verified, look for reuse before the token is verified, and ignore
// scope on a refresh. A grant here is one row, and its handlers read and
// write it once.
//
// # Not here
//
// No judgment of devices (package devices), no SQL (package store), no HTML
// (package webui draws the pages through [Pages]).
package provider
