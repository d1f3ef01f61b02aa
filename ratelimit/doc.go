// Package ratelimit limits how often something happens per key, such as a
// client, a network or a pair of both.
//
// A [Rule] says how many requests are allowed at once and how fast they come
// back. A [Limiter] applies a rule to each key. [Known] remembers keys that
// have earned a way past a limit, such as credentials that have succeeded
// before. [Recent] is the bounded map under both.
//
// Everything is counted in the memory of one process, of bounded size: two
// servers count separately, and a restart forgets.
//
// # Not here
//
// Which requests are limited, by what key and rule, and what a refused request
// is answered: that is up to the room that answers it.
package ratelimit
