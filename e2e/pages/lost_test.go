package pages_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// staled makes what the pages know of every sign-in an hour old.
func staled(t *testing.T, h *house.House) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(h.Database, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "PRAGMA busy_timeout = 5000"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE web_sessions SET auth_time = auth_time - 3600000000"); err != nil {
		t.Fatal(err)
	}
}

// TestALostLaptop: an owner signs the lost laptop out from a phone that has just
// been added. The button leads through a sign-in and does it then, whoever signs
// the owner in.
func TestALostLaptop(t *testing.T) {
	t.Run("at this server", func(t *testing.T) {
		h := house.Open(t, house.SQLite)
		lostLaptop(t, h, h.User("ada@example.com"))
	})
	t.Run("at another provider", func(t *testing.T) {
		w := newTwo(t)
		lostLaptop(t, w.House, w.ada)
	})
}

func lostLaptop(t *testing.T, h *house.House, ada house.User) {
	t.Helper()
	laptop, phone := newReader(t, h, house.Laptop()), newReader(t, h, house.Phone())
	laptop.goes("/devices", ada)
	phone.goes("/devices", ada)
	phone.sees("You are signed in on 2 devices")
	var list []struct{ ID, State string }
	get(t, phone, "/api/v1/devices", &list)
	staled(t, h)

	phone.goes("/devices/"+list[0].ID+"/end", house.User{})
	phone.sees("You will be asked to sign in again")
	phone.submit("/end", nil, "")
	phone.surf()
	if _, asked := phone.page.Form("/login"); !asked {
		t.Fatalf("a young phone acts without a fresh sign-in: %s %s", phone.page.URL, phone.page.Text)
	}
	laptop.goes("/devices", house.User{})
	laptop.sees("Your devices")
	phone.proves(ada)
	phone.sees("The device was signed out", "All access ended immediately")
	laptop.goes("/devices", house.User{})
	laptop.sees("This device was signed out")
	get(t, phone, "/api/v1/devices", &list)
	if list[0].State != "revoked" || list[1].State == "revoked" {
		t.Errorf("the devices are %+v", list)
	}
}
