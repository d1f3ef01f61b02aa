package pages_test

import (
	"os"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

func TestMain(m *testing.M) { os.Exit(house.Main(m)) }
