package geo_test

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/lanyard-id/lanyard/geo"
	"github.com/lanyard-id/lanyard/geo/geotest"
)

// written returns the bytes of a file of places.
func written(t testing.TB, entries ...geotest.Entry) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "written.mmdb")
	geotest.Write(t, path, "GeoLite2-City", entries...)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// put writes records of 24 bits into the first nodes of a search tree.
func put(text []byte, records ...uint32) []byte {
	text = bytes.Clone(text)
	for i, r := range records {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], r)
		copy(text[i*3:], four[1:])
	}
	return text
}

// nodesOf returns how many nodes a file's search tree has.
func nodesOf(t testing.TB, text []byte) uint32 {
	t.Helper()
	db, err := maxminddb.OpenBytes(text)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(db.Metadata.NodeCount)
}

// corrupt are files whose content cannot be used, by the reason.
func corrupt(t testing.TB) map[string][]byte {
	small := written(t, geotest.Place("192.0.2.0/24", "GB", "England", "London", 51.51, -0.13, 50))
	nodes := nodesOf(t, small)
	circle := put(small, 0, 0)
	long := put(small, 1, nodes)
	return map[string][]byte{
		"its search tree leads back to node 0":      circle,
		"its search tree leads back to node 1":      put(long, 1, nodes, 1, 0),
		"its search tree is deeper than an address": deep(t, small),
		"unexpected end of database":                put(small, nodes+16+uint32(len(small)), nodes),
	}
}

// deep returns a file whose tree goes on for more bits than an address has,
// with both records of each node at the next one: 2^128 ways to the bottom.
func deep(t testing.TB, text []byte) []byte {
	t.Helper()
	// 140 nodes before the data of the file, and their number in its metadata.
	nodes := nodesOf(t, text)
	const many = 140
	tree := make([]byte, many*6)
	for i := range uint32(many) {
		tree = append(tree[:i*6], put(make([]byte, 6), i+1, i+1)...)
	}
	text = append(tree, text[nodes*6:]...)
	key := []byte("node_count")
	at := bytes.LastIndex(text, key) + len(key)
	size := int(text[at] & 0x1f)
	number := []byte{0xc0 | 4, 0, 0, 0, many} // uint32 of four bytes
	return append(append(bytes.Clone(text[:at]), number...), text[at+1+size:]...)
}

// A file that cannot be used is an error that says why, in time.
func TestCorruptFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	for want, text := range corrupt(t) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := geo.Open(path, geo.City); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%v, want %q after the path", err, want)
		}
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero", t.TempDir()} {
		if _, err := geo.Open(path, geo.City); err == nil || err.Error() != path+" is no regular file" {
			t.Errorf("%s: %v", path, err)
		}
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 3<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := geo.Open(big, geo.City); err == nil || !strings.Contains(err.Error(), "at most 2147483648 are read") {
		t.Error(err)
	}
}

// A bad file that takes the place of a good one is logged once, however often
// it is looked at, and again when it changes.
func TestARefusedReplacementIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "city.mmdb")
	good := written(t, geotest.Place(geotest.NewYork, "US", "New York", "Albany", 40, -74, 1))
	at0 := time.Now().Add(-time.Hour)
	put := func(text []byte) {
		t.Helper()
		at0 = at0.Add(time.Second)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at0, at0); err != nil {
			t.Fatal(err)
		}
	}
	put(good)
	p := opened(t, path, "", slog.New(slog.NewTextHandler(&log, nil)))
	lines := func(what string, want int) {
		t.Helper()
		for range 5 {
			p.Refresh()
		}
		if got := strings.Count(log.String(), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d:\n%s", what, got, want, log.String())
		}
		if got := p.Place(at("203.0.113.10")).City; got != "Albany" {
			t.Errorf("%s: the place is %q", what, got)
		}
	}
	bad := corrupt(t)["its search tree leads back to node 0"]
	lines("nothing new", 0)
	put(bad)
	lines("a bad file", 1)
	put(bad)
	lines("another one", 2)
	put([]byte("no MMDB"))
	lines("no MMDB", 3)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	lines("no file", 4)
	put(bad)
	lines("the bad one again", 5)
	put(good)
	lines("a good one", 6)
	put(bad)
	lines("a bad one after it", 7)
}

func FuzzOpen(f *testing.F) {
	city, asn := filepath.Join(f.TempDir(), "city.mmdb"), filepath.Join(f.TempDir(), "asn.mmdb")
	geotest.World(f, city, asn)
	for _, path := range []string{city, asn} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range corrupt(f) {
		f.Add(text)
	}
	addrs := []netip.Addr{at("203.0.113.10"), at("192.0.2.66"), at("2001:db8:44::1"), at("8.8.8.8"), at("ffff::1")}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "fuzzed.mmdb")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, use := range []geo.Use{geo.City, geo.ASN} {
			file, err := geo.Open(path, use)
			if err != nil {
				if err.Error() == "" || file != nil {
					t.Errorf("%v, %v", file, err)
				}
				continue
			}
			p := geo.New(file, nil, nil)
			for _, a := range addrs {
				if n := p.Place(a); n.Addr != a || n.Country != "" && len(n.Country) != 2 {
					t.Errorf("%+v", n)
				}
			}
		}
	})
}
