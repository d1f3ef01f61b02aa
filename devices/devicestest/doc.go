// Package devicestest has people and things for tests: Ada's laptop, her
// phone and tablet, a thief, and a clock that is wound by hand.
//
// # Guarantees
//
// Everything is made by the real parts: headers are as browsers send them,
// and sightings are what [observe.Observer] makes of those. The same call
// returns the same value, in memory of its own.
//
// # Not here
//
// Doubles of stores. Tests use the real ones.
package devicestest
