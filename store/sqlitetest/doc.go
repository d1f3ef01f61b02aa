// Package sqlitetest gives tests a SQLite that has the schema.
//
// # Guarantees
//
//   - Each test has a file of its own, which goes with it.
//   - The steps of the schema are taken once in a process; everybody gets a
//     copy of what they made.
//
// # Not here
//
// No test of the steps themselves: that is the store's.
package sqlitetest
