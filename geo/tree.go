package geo

import (
	"errors"
	"fmt"

	"github.com/oschwald/maxminddb-golang/v2"
)

// errCorrupt says that a file is an MMDB whose content cannot be used.
var errCorrupt = errors.New("corrupt file")

// samples is how many of a file's records are read to see what it tells.
const samples = 1024

// tree is the search tree at the start of an MMDB file: nodes of two records,
// one for each value of the next bit of an address. A record is a node, or
// "nothing", or an offset into the data (MaxMind DB specification 2.0).
type tree struct {
	text         []byte
	nodes, width uint // how many nodes, bytes of one
	bits         int  // of an address
	// heights of the nodes that were visited; a node in whose subtree the
	// walk is has the height unfinished.
	heights []uint8
	offsets []uintptr // of the first records of data, at most samples
	seen    map[uint]bool
}

const unfinished = 255

// checkTree reads each node of a file once and returns the offsets of its
// first records of data. Its error, which wraps errCorrupt, says that an
// address could be looked up for ever, or further than it has bits. Its cost
// is in proportion to the file.
func checkTree(text []byte, m maxminddb.Metadata) ([]uintptr, error) {
	t := tree{text: text, nodes: m.NodeCount, width: m.RecordSize / 4, bits: 128, seen: map[uint]bool{}}
	switch {
	case m.RecordSize != 24 && m.RecordSize != 28 && m.RecordSize != 32:
		return nil, fmt.Errorf("%w: records of %d bits", errCorrupt, m.RecordSize)
	case m.IPVersion == 4:
		t.bits = 32
	case m.IPVersion != 6:
		return nil, fmt.Errorf("%w: addresses of IP version %d", errCorrupt, m.IPVersion)
	}
	if t.nodes == 0 || t.nodes > uint(len(text))/t.width {
		return nil, fmt.Errorf("%w: a search tree of %d nodes in %d bytes", errCorrupt, t.nodes, len(text))
	}
	t.heights = make([]uint8, t.nodes)
	_, err := t.height(0, 0)
	return t.offsets, err
}

// height returns how many bits of an address the nodes below a record of the
// given depth decide, itself included.
func (t *tree) height(record uint, depth int) (uint8, error) {
	if record >= t.nodes {
		t.note(record)
		return 0, nil
	}
	switch known := t.heights[record]; {
	case known == unfinished:
		return 0, fmt.Errorf("%w: its search tree leads back to node %d", errCorrupt, record)
	case depth+max(int(known), 1) > t.bits:
		return 0, fmt.Errorf("%w: its search tree is deeper than an address", errCorrupt)
	case known != 0:
		return known, nil
	}
	t.heights[record] = unfinished
	left, right := t.children(record)
	below, err := t.height(left, depth+1)
	if err != nil {
		return 0, err
	}
	other, err := t.height(right, depth+1)
	if err != nil {
		return 0, err
	}
	t.heights[record] = max(below, other) + 1
	return t.heights[record], nil
}

// children returns the two records of a node.
func (t *tree) children(node uint) (left, right uint) {
	b := t.text[node*t.width : (node+1)*t.width]
	three := func(b []byte) uint { return uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2]) }
	switch t.width {
	case 6:
		return three(b), three(b[3:])
	case 7:
		return uint(b[3]>>4)<<24 | three(b), uint(b[3]&0x0f)<<24 | three(b[4:])
	default:
		return three(b)<<8 | uint(b[3]), three(b[4:])<<8 | uint(b[7])
	}
}

// separator is between the search tree and the data, in bytes.
const separator = 16

// note keeps the offset that a record has, if it is one of the first. What
// lies outside the data, a lookup turns down.
func (t *tree) note(record uint) {
	if record < t.nodes+separator || len(t.offsets) == samples || t.seen[record] {
		return
	}
	t.seen[record] = true
	t.offsets = append(t.offsets, uintptr(record-t.nodes-separator))
}
