package geo

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/lanyard-id/lanyard/devices"
)

// Use is what a file is for.
type Use string

// The uses of a file.
const (
	City Use = "places"
	ASN  Use = "autonomous systems"
)

// ErrWrongFile says that a file is an MMDB and tells nothing of what it is for.
var ErrWrongFile = errors.New("wrong file")

// File is an MMDB file that tells what it is for, read into memory.
type File struct {
	path  string
	use   Use
	stamp stamp
	db    *maxminddb.Reader
	flat  bool // members are values, not maps
}

// stamp is by what a replaced file is known.
type stamp struct {
	size     int64
	modified time.Time
}

// maxSize is the most bytes of a file, since it is held in memory.
const maxSize = 2 << 30

// stampOf looks at a file without opening it: a pipe would wait for a writer.
func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return stamp{}, err
	case !info.Mode().IsRegular():
		return stamp{}, fmt.Errorf("%s is no regular file", path)
	case info.Size() > maxSize:
		return stamp{}, fmt.Errorf("%s has %d bytes; at most %d are read", path, info.Size(), maxSize)
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// Open reads a file. Its error says what is wrong with it: it cannot be read,
// it is no MMDB or a corrupt one, or it is ErrWrongFile. The cost is in
// proportion to the size of the file, whatever is in it.
func Open(path string, use Use) (*File, error) {
	f := &File{path: path, use: use}
	var err error
	if f.stamp, err = stampOf(path); err != nil {
		return nil, err
	}
	text, err := read(path, f.stamp.size)
	if err != nil {
		return nil, err
	}
	if f.db, err = maxminddb.OpenBytes(text); err != nil {
		return nil, fmt.Errorf("%w: %s is no MMDB file: %w", errCorrupt, path, err)
	}
	told, err := f.examine(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case !told:
		return nil, fmt.Errorf("%w: %s (%s) tells no %s", ErrWrongFile, path, f.db.Metadata.DatabaseType, use)
	}
	return f, nil
}

// read returns the first size bytes of a file. One that is being written has
// more, and is read again when it has been.
func read(path string, size int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text := make([]byte, size)
	if _, err := io.ReadFull(file, text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// examine checks the search tree and reads records until one tells what the
// file is for. Its error wraps errCorrupt.
func (f *File) examine(text []byte) (told bool, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			told, err = false, fmt.Errorf("%w: %v", errCorrupt, broken)
		}
	}()
	offsets, err := checkTree(text, f.db.Metadata)
	if err != nil {
		return false, err
	}
	for _, offset := range offsets {
		found := f.db.LookupOffset(offset)
		var corrupt maxminddb.InvalidDatabaseError
		if f.flat, err = flat(found); errors.As(err, &corrupt) {
			return false, fmt.Errorf("%w: %w", errCorrupt, err)
		}
		n := f.read(found)
		if f.use == City && (n.Country != "" || n.Spot != devices.Spot{}) || f.use == ASN && n.ASN != 0 {
			return true, nil
		}
	}
	return false, nil
}

// look returns what the file tells of an address.
func (f *File) look(a netip.Addr) devices.Network {
	if f == nil {
		return devices.Network{}
	}
	return f.read(f.db.Lookup(a))
}

// read returns what an entry tells. What cannot be read is not told: whatever
// is wrong with a file, it must not end a request.
func (f *File) read(found maxminddb.Result) (told devices.Network) {
	defer func() {
		if recover() != nil {
			told = devices.Network{}
		}
	}()
	if !found.Found() {
		return devices.Network{}
	}
	if f.flat {
		var r flatRecord
		if found.Decode(&r) != nil {
			return devices.Network{}
		}
		return storable(r.network())
	}
	var r record
	if found.Decode(&r) != nil {
		return devices.Network{}
	}
	return storable(r.network())
}

// nowhere are codes that files have for no country: unknown, Europe, Asia and the
// Pacific, and networks that hide where they are.
func nowhere() []string { return []string{"ZZ", "XX", "EU", "AP", "A1", "A2", "O1", "T1"} }

// storable drops names that no database could keep. They are written down with
// the device: whatever is wrong with a file, it must not end a request later.
func storable(n devices.Network) devices.Network {
	if len(n.Country) != 2 || strings.Trim(n.Country, letters) != "" || slices.Contains(nowhere(), n.Country) {
		n.Country = ""
	}
	for _, name := range []*string{&n.Region, &n.City} {
		if len(*name) > longest || !utf8.ValidString(*name) || strings.ContainsFunc(*name, unicode.IsControl) {
			*name = ""
		}
	}
	return n
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	longest = 255 // bytes of a name
)
