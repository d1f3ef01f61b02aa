// Package tokens is the codec of what the provider hands out: refresh and
// access tokens derived from a grant, and authorization codes.
//
// # Objects
//
// A [Token] is what a string claims to be; [Parse] reads it and trusts
// nothing. A [Codec] mints tokens from a grant and verifies them against the
// grant they name.
//
// # Guarantees
//
//   - One token, one string: a token has no second spelling. Whatever is cut,
//     added, flipped, folded in case or padded with white space is refused.
//   - A token of one kind, grant, generation or server key is no token of
//     another: all of them are under the MAC, and so is the grant's secret.
//     A leaked database holds no token, and a leaked key makes none.
//   - Tokens do not print; [Token.Reveal] is the only way to their text.
//
// # Not here
//
// Whether a genuine token is still good: generation, lifetime and revocation
// are for who holds the grant's row. Nothing here reads a store or a clock.
package tokens
