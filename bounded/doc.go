// Package bounded keeps a request within bounds: it ends at a deadline, and a
// panic ends nothing else.
//
// # Not here
//
// How long a request may take, and what a client is answered then, is up to the
// room that answers it.
package bounded
