// Package events is what happens after a change was committed: the outbox is
// read, and what it tells is carried out elsewhere.
//
// # Objects
//
// [Outward] follows the events and ends at other servers what was ended here,
// leg by leg, until each is confirmed.
//
// # Guarantees
//
//   - At least once: an event that was committed is acted on, whatever stops in
//     between, by whichever replica comes to it first.
//   - Nobody waits for it: the change was committed before.
//
// # Not here
//
// No talking to other servers: those doors are the caller's.
package events
