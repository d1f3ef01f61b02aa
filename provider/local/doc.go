// Package local knows the subjects whose passwords this server keeps.
//
// # Objects
//
// An [Authenticator] proves a subject by a password; [Claims] is what may be
// said of one to a client.
//
// # Guarantees
//
//   - Whoever fails learns nothing: an unknown identifier, a wrong password
//     and a disabled subject cost the same time and give the same error.
//   - Passwords are hashed with argon2id, only so many at once as the machine
//     has room for, together with the client secrets of the provider. Pairs of
//     subject and source that have succeeded before go first.
//   - Guessing is slowed down, by whom and of whom. A stranger's guessing does
//     not keep subjects out where they have signed in before.
//
// # Not here
//
// Other factors, sign-up and recovery. The counts of attempts are this
// replica's own: several replicas let as many times more through.
package local
