package tokens_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/provider/tokens"
)

func TestTokensDoNotPrint(t *testing.T) {
	token, err := tokens.Parse(goldenRefresh)
	if err != nil {
		t.Fatal(err)
	}
	type request struct {
		Token  tokens.Token
		hidden tokens.Token
	}
	nested := request{token, token}
	asJSON, err := json.Marshal(nested)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("refresh", "token", token, "request", nested, "error", fmt.Errorf("bad %v", token))
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", token, token, token, token, token, token,
		nested, nested, nested) + string(asJSON) + logged.String()
	for _, secret := range []string{
		goldenRefresh[6:20], goldenRefresh[60:], // its text
		"131 51 81 95", "0x83, 0x33, 0x51", "83335", // its MAC
	} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q shows in\n%s", secret, printed)
		}
	}
	if !strings.Contains(printed, "[secret]") {
		t.Errorf("nothing shows that it was hidden:\n%s", printed)
	}
}
