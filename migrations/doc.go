// Package migrations is the history of the schema: numbered steps in SQL, the
// same history on SQLite and on PostgreSQL.
//
// # Objects
//
// A step is a pair of files, NUMBER_name.tx.up.sql and .tx.down.sql. Those in
// sql/portable are read by both databases; one that must be said differently
// is in sql/sqlite and in sql/postgres, under the same number and name.
//
// # Guarantees
//
//   - Any number of processes may call [Up] at once; each step is taken once.
//   - A step and its mark commit together: a process that dies in between
//     leaves nothing half done.
//   - [Check] tells an older schema and a newer one apart.
//
// # Decisions
//
// Times are BIGINT microseconds since 1970 in UTC and zero is no time; lists
// and structs are JSON text. Both read the same in either database, and the
// column types BYTEA and BOOLEAN, which SQLite does not know, mean there what
// they say: it keeps the value as it is given.
//
// # Not here
//
// No opening of databases, no rows: that is the store's.
package migrations
