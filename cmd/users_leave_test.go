package cmd_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/store"
)

// A user is shown with what they have, and deleted with it, once that was said.
func TestUsersShowAndDelete(t *testing.T) {
	m := newTerminal(t)
	laptop, _, _ := adasDevices(t, m) // of the subject ada
	m.runs(0, "users", "create", "ada@example.com", "--subject", "ada", "--claim", "address={\"country\": \"UK\"}", "--name", "Ada")
	m.runs(0, "users", "create", "eve")

	var shown struct {
		Subject, Identifier string
		Claims              map[string]any
		Devices, Grants     int
	}
	m.prints(&shown, "users", "show", "ADA@example.com")
	if shown.Subject != "ada" || shown.Devices != 2 || shown.Grants != 1 || shown.Claims["name"] != "Ada" {
		t.Errorf("showed %+v", shown)
	}
	out, _ := m.runs(0, "users", "show", "ada")
	for _, want := range []string{"2 live, 0 ended", `{"country":"UK"}`, "1 live", "active"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	m.complains(1, "lanyard users list", "users", "show", "nobody")

	m.complains(2, "--yes", "users", "delete", "ada")
	m.runs(0, "users", "show", "ada")
	var deleted struct {
		Deleted, Identifier string
		Revoked             int
	}
	m.prints(&deleted, "users", "delete", "ada@example.com", "--yes")
	if deleted.Deleted != "ada" || deleted.Identifier != "ada@example.com" || deleted.Revoked != 2 {
		t.Errorf("deleted %+v", deleted)
	}
	m.complains(1, "no user", "users", "delete", "ada", "--yes")
	m.runs(0, "users", "show", "eve")
	var d api.AdminDevice
	m.prints(&d, "devices", "show", laptop.ID, "--offline")
	if d.State != "revoked" || d.RevokedReason != "subject_disabled" || d.RevokedBy != "operator" {
		t.Errorf("the tombstone is %+v", d)
	}
	out, _ = m.runs(0, "grants", "list", "--offline", "--subject", "ada")
	if !strings.Contains(out, "revoked (device_revoked)") {
		t.Errorf("listed %s", out)
	}
	m.complains(1, "never given twice", "users", "create", "other", "--subject", "ada")
	m.runs(0, "users", "create", "ada@example.com")
}

// What an update does not name stays; devices, grants and password do.
func TestUsersUpdate(t *testing.T) {
	m := newTerminal(t)
	adasDevices(t, m) // of the subject ada
	const password = "correct horse battery"
	m.runs(0, "users", "create", "ada@example.com", "--subject", "ada", "--name", "Ada", "--email", "ada@example.com",
		"--claim", "email_verified=true", "--claim", "nickname=A", "--password", password)
	m.runs(0, "users", "create", "eve")

	var u printedUser
	m.prints(&u, "users", "update", "ada", "--claim", "locale=en", "--forget", "nickname")
	want := map[string]any{"name": "Ada", "email": "ada@example.com", "email_verified": true, "locale": "en"}
	if !maps.Equal(u.Claims, want) || u.Identifier != "ada@example.com" {
		t.Errorf("updated to %+v", u)
	}
	u = printedUser{}
	m.prints(&u, "users", "update", "ada", "--identifier", " lovelace ", "--email", "l@example.com", "--name", "")
	if want := (map[string]any{"email": "l@example.com", "locale": "en"}); !maps.Equal(u.Claims, want) || u.Identifier != "lovelace" {
		t.Errorf("updated to %+v", u)
	}
	if signsIn(t, "ada@example.com", password) || !signsIn(t, "lovelace", password) {
		t.Error("the new identifier is not the one to sign in by")
	}
	var shown struct{ Devices, Grants int }
	if m.prints(&shown, "users", "show", "lovelace"); shown.Devices != 2 || shown.Grants != 1 {
		t.Errorf("an update left %+v", shown)
	}
	m.complains(1, `a user "EVE" already`, "users", "update", "ada", "--identifier", "EVE")
	m.complains(2, "1 to 255 bytes", "users", "update", "ada", "--identifier", " ")
	m.complains(2, "no claim of OIDC Core", "users", "update", "ada", "--claim", "role=admin")
	m.complains(1, "lanyard users list", "users", "update", "nobody", "--name", "x")
}

// Where users are Kratos', nobody can make one here, and is told why.
func TestUsersOfKratos(t *testing.T) {
	m := newTerminal(t)
	adasDevices(t, m)
	for _, name := range []string{"PUBLIC_URL", "ADMIN_URL", "UI_URL"} {
		t.Setenv("LANYARD_IDENTITY_"+name, "http://127.0.0.1:4433")
	}
	t.Setenv("LANYARD_IDENTITY_KIND", "kratos")
	t.Setenv("LANYARD_HOOKS_HYDRA_ADMIN_URL", "http://127.0.0.1:4445")
	t.Setenv("LANYARD_HOOKS_HYDRA_PUBLIC_URL", "http://127.0.0.1:4444")
	for _, args := range [][]string{
		{"users", "create", "ada"}, {"users", "list"}, {"users", "show", "ada"},
		{"users", "passwd", "ada"}, {"users", "update", "ada", "--name", "x"}, {"users", "delete", "ada", "--yes"},
	} {
		m.complains(1, "Kratos' own", args...)
	}
	m.runs(0, "users", "disable", "ada")
	s, err := store.Open(t.Context(), "sqlite:lanyard.db", store.WithNow(time.Now))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if found, err := s.FindSubjects(t.Context(), "ada"); err != nil || len(found) != 1 || !found[0].Disabled {
		t.Errorf("disabled %+v, %v", found, err)
	}
}

// A subject is named by its sub or by what it types to sign in. Nobody is not
// taken for somebody who has nothing, nor one of two for the other.
func TestSubjectsByEitherName(t *testing.T) {
	m := newTerminal(t)
	_, _, adminURL := adasDevices(t, m) // of the subject ada
	m.runs(0, "users", "create", "ada@example.com", "--subject", "ada")
	t.Setenv("LANYARD_ADMIN_URL", adminURL)
	t.Setenv("LANYARD_ADMIN_TOKEN", operatorToken)

	var found []api.AdminDevice
	m.prints(&found, "devices", "list", "--subject", "Ada@example.com")
	if len(found) != 2 {
		t.Errorf("found %+v", found)
	}
	var grants []api.Grant
	m.prints(&grants, "grants", "list", "--subject", "ada@example.com")
	var told []api.Event
	m.prints(&told, "events", "list", "--subject", "ada@example.com")
	if len(grants) != 1 || len(told) == 0 {
		t.Errorf("found %+v and %+v", grants, told)
	}
	out, errs := m.runs(0, "devices", "list", "--subject", "nobody", "--output", "json")
	if strings.TrimSpace(out) != "[]" || !strings.Contains(errs, "nobody is known here") {
		t.Errorf("printed %q and %q", out, errs)
	}

	m.complains(1, "nothing was ended", "devices", "revoke", "--subject", "nobody")
	m.runs(0, "users", "create", "ada", "--subject", "other")
	m.complains(1, `subject other`, "devices", "revoke", "--subject", "ada")
	m.complains(1, `subject other`, "users", "delete", "ada", "--yes")
	out, _ = m.runs(0, "devices", "revoke", "--subject", "ada@example.com")
	if out != "revoked 2 devices of ada\n" {
		t.Errorf("printed %q", out)
	}
}
