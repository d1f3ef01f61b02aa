package cmd

import (
	"errors"
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/api"
)

// TestTwoTokensAreNoTrouble: what a stranger sends is not the server's trouble,
// which would be a 503 and a line in the log each time.
func TestTwoTokensAreNoTrouble(t *testing.T) {
	r := &http.Request{Header: http.Header{"Authorization": {"Bearer one", "Bearer two"}}}
	if _, err := (bearer{}).Actor(r); !errors.Is(err, api.ErrInvalidToken) {
		t.Errorf("got %v", err)
	}
}
