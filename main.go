// Lanyard ties a sign-in to the device it happened on.
package main

import (
	"os"

	"github.com/lanyard-id/lanyard/cmd"
)

func main() {
	os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
