package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
)

// The device API is one handler for everything under /api/.
func ExampleNew() {
	mux := http.NewServeMux()
	mux.Handle("/api/", api.New(api.Config{
		Registry: &devices.Registry{Rules: devices.DefaultRules()},
		Auth:     tokens{}, // a provider's, which verifies access tokens
		Now:      time.Now,
	}))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/devices", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	fmt.Print(w.Body)
	// Output:
	// 401 Bearer realm="lanyard"
	// {"type":"about:blank","title":"Unauthorized","status":401,"code":"token_missing","detail":"Send an access token in the Authorization header."}
}
