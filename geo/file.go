package geo

import (
	"errors"
	"fmt"
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

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// samples is how many of a file's networks are looked at to see what it tells.
const samples = 4096

// Open reads a file. Its error says what is wrong with it: it cannot be read,
// it is no MMDB, or it is ErrWrongFile.
func Open(path string, use Use) (*File, error) {
	f := &File{path: path, use: use}
	var err error
	if f.stamp, err = stampOf(path); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if f.db, err = maxminddb.OpenBytes(text); err != nil {
		return nil, fmt.Errorf("%s is no MMDB file: %w", path, err)
	}
	n := 0
	for found := range f.db.Networks() {
		f.flat = flat(found)
		told := f.read(found)
		if use == City && (told.Country != "" || told.Spot != devices.Spot{}) || use == ASN && told.ASN != 0 {
			return f, nil
		}
		if n++; n == samples {
			break
		}
	}
	return nil, fmt.Errorf("%w: %s (%s) tells no %s", ErrWrongFile, path, f.db.Metadata.DatabaseType, use)
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
