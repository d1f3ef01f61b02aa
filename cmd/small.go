package cmd

import (
	"fmt"
	"io"
	"os"
)

// maxSmall bounds a file that a person writes, in bytes.
const maxSmall = 1 << 20

// readSmall returns what is in a file that a person writes, or in a pipe. A
// file of more than maxSmall bytes is an error: a device has no end.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(text) > maxSmall {
		err = fmt.Errorf("%s has more than %d bytes", name, maxSmall)
	}
	return text, err
}
