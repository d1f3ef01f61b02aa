// Package accesskey verifies the keys that operators configure: hook keys and
// admin tokens.
//
// # Guarantees
//
//   - A key is compared with all configured ones, in constant time.
//   - The right key is never held up, whatever others or the same source sent.
//   - Neither a key nor a part of one is logged or counted.
//
// # Not here
//
// Where a key stands in a request and what a refused request is answered: that
// is up to the room that answers it.
package accesskey
