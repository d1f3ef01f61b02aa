// Package store keeps everything in a database: SQLite for one node,
// PostgreSQL for several.
//
// # Objects
//
// A [Store] is one open database. It implements the small interfaces that the
// rooms declare; the methods of each interface are in a file of its own.
//
// # Guarantees
//
//   - What changes the devices, grants and sign-ins of a subject holds the
//     lock of that subject and commits together with its history and events.
//   - A plain rotation is the exception: one conditional UPDATE of one row,
//     and nothing else. Whatever ends a device or a subject therefore ends its
//     grants' rows in the same transaction.
//   - Events of a subject are listed in the order in which they became true,
//     and a reader that follows [Store.EventsAfter] misses none.
//   - What was acknowledged survives the death of the process and, unless the
//     operator chose otherwise, of the machine.
//   - devices.ErrNotFound and devices.ErrExists say what was found or not;
//     devices.ErrInvalid refuses text that no database can hold (NUL, broken
//     UTF-8). Any other error is trouble, and nothing has changed, unless the
//     answer to a commit was lost on its way: then everything has.
//
// # Decisions
//
// SQLite has one connection that writes, with BEGIN IMMEDIATE, and several
// that read: a transaction that reads first and writes later cannot fail on
// its upgrade. synchronous is FULL: with NORMAL a power cut may take back the
// last commits, and a rotation taken back makes the rightful client look like
// a thief.
//
// On PostgreSQL a subject's lock is its row, not an advisory lock: it is seen
// in pg_locks, and it cannot collide.
//
// Empty lists, maps and byte strings come back as nil; times come back in UTC
// and cut to microseconds.
//
// # Not here
//
// No decisions: who may do what is the devices package's business. No steps of
// the schema: those are in migrations.
package store
