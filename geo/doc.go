// Package geo tells where addresses are, from MMDB files that the operator
// supplies. It asks nobody else: nothing leaves the machine.
//
// # Objects
//
// A [File] is a file that was found good. [Places] looks addresses up in one or
// two of them, remembers what it found, and reads a file again when another
// one has taken its place.
//
// # Guarantees
//
//   - A lookup never fails: what is not known is empty.
//   - Addresses that are nowhere (loopback, local networks, a carrier's inside)
//     have no place, whatever a file says.
//   - A file that was replaced by a bad one is not used; the one before stays.
//     The reason is logged once for each change of the file.
//   - Opening a file takes time in proportion to its size, whatever is in it:
//     each node of the search tree is read once, and of the data at most 1024
//     records, within the reader's limits of expansion.
//
// # Decisions
//
// Files are held in memory, not mapped: who copies a new file over a mapped
// one ends the process. A GeoLite2 City is about 60 MB, twice that for the
// moment of a change.
//
// Members are read as GeoIP2, GeoLite2 and DB-IP name them, and as in flat
// files (IPinfo, ip-location-db). Names are English. Coordinates are kept to a
// tenth of a degree, and not at all where a file tells a country, no city and
// no radius: those are the middle of the country.
//
// # Not here
//
// Judging, and fetching the files.
package geo
