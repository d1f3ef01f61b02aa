package cmd_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/store"
)

type printedUser struct {
	Subject, Identifier, Password string
	Claims                        map[string]any
	Disabled                      bool
}

// signsIn reports whether the password is the user's.
func signsIn(t *testing.T, identifier, password string) bool {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:lanyard.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	_, err = local.New(s, time.Now).Authenticate(t.Context(), identifier, password, "test")
	return err == nil
}

func TestUsers(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")

	var ada printedUser
	m.prints(&ada, "users", "create", "ada@example.com", "--name", "Ada", "--claim", "email_verified=true", "--claim", "locale=en",
		"--claim", `address={"formatted":"12 St James's Square\nLondon"}`) // several lines, as OIDC Core §5.1.1 has it
	if len(ada.Password) < 26 || ada.Subject == "" || ada.Claims["name"] != "Ada" ||
		ada.Claims["email_verified"] != true || ada.Claims["locale"] != "en" {
		t.Errorf("created %+v", ada)
	}
	if !signsIn(t, "ADA@example.com", ada.Password) {
		t.Error("the generated password is not hers")
	}

	m.stdin = "correct horse\n"
	out, _ := m.runs(0, "users", "create", "bob", "--subject", "bob-1", "--password", "-")
	if strings.Contains(out, "correct horse") {
		t.Errorf("a chosen password is printed: %s", out)
	}
	if !signsIn(t, "bob", "correct horse") {
		t.Error("the chosen password is not his")
	}
	m.complains(1, "already", "users", "create", "Bob")
	m.complains(2, "at least 12 characters", "users", "create", "eve", "--password", "12345678901")
	m.complains(2, "control characters", "users", "create", "eve", "--password", "correct horse\tbattery")
	m.complains(2, "NAME=VALUE", "users", "create", "eve", "--claim", "sub=root")
	m.complains(2, "no claim of OIDC Core", "users", "create", "eve", "--claim", "role=admin")
	m.complains(2, "true or false", "users", "create", "eve", "--claim", "email_verified=yes")
	m.complains(2, "an object", "users", "create", "eve", "--claim", "address=London")
	for _, name := range []string{"ada\u202e@example.com", "a\u2066b", "a\u200bb"} {
		m.complains(2, "invisible characters", "users", "create", name)
		m.complains(2, "invisible characters", "users", "create", "eve", "--name", name)
		m.complains(2, "invisible characters", "users", "create", "eve", "--claim", "nickname="+name)
		m.complains(2, "invisible characters", "users", "create", "eve", "--claim", `address={"formatted":"`+name+`"}`)
		m.complains(2, "invisible characters", "users", "update", "bob", "--identifier", name)
		m.complains(2, "invisible characters", "users", "update", "bob", "--name", name)
		m.complains(2, "invisible", "clients", "create", "--id", "x", "--public", "--redirect-uri", "http://127.0.0.1/cb", "--name", name)
	}
	m.complains(2, "a text", "users", "create", "eve", "--claim", "nickname=")
	var grace printedUser
	m.prints(&grace, "users", "create", "grace", "--claim", "phone_number=442012345678", "--claim", "name#ja=1", "--claim", "updated_at=7")
	if want := (map[string]any{"phone_number": "442012345678", "name#ja": "1", "updated_at": 7.0}); !maps.Equal(grace.Claims, want) {
		t.Errorf("created %+v, want %+v", grace.Claims, want)
	}
	m.complains(2, "--subject", "users", "create", "eve", "--subject", "é")

	var renewed printedUser
	m.prints(&renewed, "users", "passwd", "bob-1")
	if renewed.Password == "" || signsIn(t, "bob", "correct horse") || !signsIn(t, "bob", renewed.Password) {
		t.Errorf("renewed %+v", renewed)
	}
	m.prints(&renewed, "users", "disable", "bob")
	if !renewed.Disabled || signsIn(t, "bob", renewed.Password) {
		t.Errorf("disabled %+v", renewed)
	}
	var all []printedUser
	m.prints(&all, "users", "list")
	if len(all) != 3 {
		t.Errorf("listed %+v", all)
	}
	for _, u := range all {
		if u.Disabled != (u.Identifier == "bob") || u.Password != "" {
			t.Errorf("listed %+v", u)
		}
	}
	password := renewed.Password
	m.runs(0, "users", "enable", "bob")
	if password != "" && !signsIn(t, "bob", password) {
		t.Error("enabled, and cannot sign in")
	}
	m.complains(1, "no user", "users", "disable", "nobody")
}
