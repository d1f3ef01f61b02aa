package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/cmd"
)

// What the repository ships for a start beside Ory is what doctor wants.
func TestDoctorFindsNothingInWhatWeShip(t *testing.T) {
	status, out := examine(t, "../docs/ory/hydra.yml", "../docs/ory/kratos.yml")
	if status != 0 || strings.Contains(out, "missing") {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestDoctorPrintsTheBlockToPaste(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hydra.yml")
	if err := os.WriteFile(file, []byte("dsn: memory\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out := examine(t, file, "../docs/ory/kratos.yml")
	for _, want := range []string{
		"missing  hydra.yml: oauth2.token_hook: Hydra asks nobody",
		"               url: http://127.0.0.1:4487/hooks/hydra/token",
		"enforced_for_public_clients: true",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if status != 1 {
		t.Errorf("status %d", status)
	}
	if strings.Contains(out, "for-trying-out-only") {
		t.Error("the hook key is printed")
	}
}

// examine runs doctor beside the configuration of docker-compose.yml.
func examine(t *testing.T, hydra, kratos string) (int, string) {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{
		"ISSUER": "http://127.0.0.1:4487", "PUBLIC_LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "127.0.0.1:0",
		"DATABASE_URL":   "sqlite:" + filepath.Join(dir, "lanyard.db"),
		"SECRETS_SYSTEM": "0123456789abcdef0123456789abcdef", "HOOKS_KEYS": "for-trying-out-only-0123456789abcdef",
		"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": serves(t, version("a Hydra")),
	} {
		t.Setenv("LANYARD_"+name, value)
	}
	var out bytes.Buffer
	if status := cmd.Main([]string{"migrate", "up"}, strings.NewReader(""), &out, &out); status != 0 {
		t.Fatal(out.String())
	}
	out.Reset()
	status := cmd.Main([]string{"doctor", "--hydra", hydra, "--kratos", kratos}, strings.NewReader(""), &out, &out)
	return status, out.String()
}
