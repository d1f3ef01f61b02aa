// Package keyring holds the server's keys: the ones that authenticate opaque
// tokens, and the ones that sign ID tokens and JWT access tokens.
//
// # Objects
//
// A [Keyring] is the keys of one store, opened. Every replica has its own and
// all of them agree, because each picks by the same rule from the same rows.
//
// # Guarantees
//
//   - At rest a private key is sealed under the system secret, together with
//     what it is for: a row cannot be passed off as another.
//   - A new key is published before it is used, and an old one verifies long
//     after: rotation refuses nobody.
//   - A reader takes no lock. An unknown key makes the ring read the store,
//     at most once in a few seconds, whoever asks.
//   - Trouble with the store is an error of its own, never an unknown key.
//
// # Decisions
//
// Of the keys in force the oldest is used, so that replicas which start at
// once and each make a key settle on one. Rotation marks all but the new key
// as retiring; those are used, the newest first, only until it is active.
//
// # Not here
//
// What is signed, and for how long it holds. HMAC-signed and unsigned JWTs:
// there is no way to ask for one, nor to have one accepted.
package keyring
