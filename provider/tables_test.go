package provider_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/provider"
)

// database opens the house's database past its store.
func (h *house) database() *sql.DB {
	h.t.Helper()
	driver, source := "pgx", h.url
	if file, ok := strings.CutPrefix(h.url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+file+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		h.t.Fatal(err)
	}
	return db
}

// tables returns every row of every table, as text. What a doubt changes of
// devices is apart from their other columns, as "flags".
func (h *house) tables() map[string][]string {
	h.t.Helper()
	db := h.database()
	defer func() { _ = db.Close() }() // it only reads
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if !strings.HasPrefix(h.url, "sqlite:") {
		list = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	contents := map[string][]string{}
	for _, name := range rowsOf(h.t, db, list) {
		contents[name] = rowsOf(h.t, db, "SELECT * FROM "+name)
	}
	flags, rest := flagColumns(h.t, db)
	contents["flags"] = rowsOf(h.t, db, "SELECT id, "+flags+" FROM devices")
	contents["devices"] = rowsOf(h.t, db, "SELECT "+rest+" FROM devices")
	return contents
}

// flagColumns returns the columns of a device that a doubt writes, and the
// others. Whatever writes a device writes down when its grants were last used.
func flagColumns(t testing.TB, db *sql.DB) (flags, rest string) {
	t.Helper()
	found, err := db.Query("SELECT * FROM devices LIMIT 0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }() // it has no rows
	all, err := found.Columns()
	if err = errors.Join(err, found.Err()); err != nil {
		t.Fatal(err)
	}
	changed := []string{"state", "flagged_reason", "flagged_at", "doubted_at", "version", "last_seen"}
	all = slices.DeleteFunc(all, func(name string) bool { return slices.Contains(changed, name) })
	return strings.Join(changed, ", "), strings.Join(all, ", ")
}

// rowsOf returns the rows of a query in the order of their text, each column
// but the first after a bar.
func rowsOf(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	found, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }() // it was read to its end
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for found.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := found.Scan(values...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			switch v := (*v.(*any)).(type) {
			case []byte:
				texts[i] = fmt.Sprintf("%x", v)
			default:
				texts[i] = fmt.Sprint(v)
			}
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// query returns the rows of a query on the house's database.
func (h *house) query(query string, args ...any) []string {
	h.t.Helper()
	db := h.database()
	defer func() { _ = db.Close() }() // it only reads
	return rowsOf(h.t, db, query, args...)
}

// unchanged fails the test where doing something changes a table, other than
// those excepted.
func (h *house) unchanged(t *testing.T, do func(), except ...string) {
	t.Helper()
	before := h.tables()
	do()
	after := h.tables()
	for _, name := range except {
		delete(before, name)
		delete(after, name)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the tables changed (-before +after):\n%s", diff)
	}
}

// events returns the types of the events of a grant or a device, in the order
// in which they were told.
func (h *house) events(id string) []string {
	h.t.Helper()
	told, err := h.store.EventsAfter(h.t.Context(), "", 500)
	if err != nil {
		h.t.Fatal(err)
	}
	var types []string
	for _, e := range told.Events {
		if e.GrantID == id || e.DeviceID == id {
			types = append(types, string(e.Type))
		}
	}
	return types
}

// count returns how many rows a table has.
func (h *house) count(table string) int { return len(h.query("SELECT * FROM " + table)) }

// onBoth tells a story in a house on SQLite, and in one on PostgreSQL.
func onBoth(t *testing.T, story func(*testing.T, *house), edits ...func(*provider.Config)) {
	t.Run("SQLite", func(t *testing.T) { story(t, newHouse(t, edits...)) })
	t.Run("PostgreSQL", func(t *testing.T) { story(t, newHouseInPostgres(t, edits...)) })
}
