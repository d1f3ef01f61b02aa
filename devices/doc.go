// Package devices is the domain: it knows which device a grant belongs to and
// judges whoever returns with it.
//
// # Objects
//
// A subject has devices. A [Device] is one browser profile or app installation
// of one subject. A [Grant] is one authorization and every token descending
// from it; it hangs on one device. A [Sighting] is a device showing itself
// once. [Policy] turns a sighting into a [Verdict]; a stored verdict is a
// [Judgment]. Whatever others must hear of is an [Event].
//
// # Guarantees
//
//   - The zero [Verdict] refuses.
//   - A change, its history and its events commit together, or not at all
//     ([Store.Change]).
//   - Owner verbs take the subject; another subject's device is [ErrNotFound].
//   - Absence is never mismatch where nobody could look ([Fingerprint.Get]).
//
// # Decisions
//
// Judging takes one [Case] instead of a growing list of arguments, so that a
// later signal (travel, concurrency) adds a field and breaks no caller.
//
// A device's last use is derived from its grants' last rotation when it is
// read, so that a refresh writes the grant's row and nothing else.
//
// # Not here
//
// No HTTP, no SQL, no OAuth: rooms translate at their own doors. This package
// imports the standard library only, and a test in e2e holds it to that.
package devices
