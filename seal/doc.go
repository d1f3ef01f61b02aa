// Package seal encrypts state that leaves the server and comes back: in a
// cookie, a form field, a URL or another server's request. Nobody else can
// read it, change it, or use it for another purpose.
//
// # Guarantees
//
//   - The cipher is XChaCha20-Poly1305. Each purpose has its own key, derived
//     from the system secrets with HKDF-SHA-256 (RFC 5869). The nonce of 24
//     bytes is random, so any number of values can be sealed.
//   - Open accepts one spelling of a sealed value: every other string is
//     ErrMalformed or ErrForged.
//   - The first system secret seals, all of them open, so that a secret can be
//     rotated.
//
// # Not here
//
// A sealed value has no expiry and can be used more than once. The caller puts
// the expiry inside and checks it, and passes what the value belongs to (a
// browser, a session) as additional data.
package seal
