package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
)

// A page of a history of 5,000 judgments is read from its place in the index,
// the last one like the first: nothing is sorted, and no more is read than is
// shown.
func TestHistoryIsReadThroughItsIndex(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, db *sql.DB) {
		up(t, url)
		s := open(t, url)
		judge(t, db)
		asked := ""
		s.Tell(func(query string) { asked = query })
		after, seen := "", 0
		for page := range 201 {
			part, err := s.History(t.Context(), "ada", "laptop", devices.Page{After: after, Limit: 25})
			if err != nil {
				t.Fatal(err)
			}
			if page%100 == 0 {
				planned(t, db, strings.HasPrefix(url, "sqlite:"), asked, "judgments_device")
			}
			if seen += len(part); len(part) > 0 {
				after = part[len(part)-1].ID
			}
		}
		if seen != 5000 {
			t.Errorf("%d of 5000 judgments", seen)
		}
		if _, err := s.GrantHistory(t.Context(), "g7", devices.Page{Limit: 50}); err != nil {
			t.Fatal(err)
		}
		planned(t, db, strings.HasPrefix(url, "sqlite:"), asked, "judgments_grant")
	})
}

// judge writes 5,000 judgments on a laptop, and four times as many on a phone.
func judge(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO devices (id, subject, state, tier, name, key_thumbprint, os, fingerprint, entrance, first_place,
 last_place, flagged_reason, revoked_reason, revoked_by, created_at, last_seen, revoked_at, version, first_asn,
 last_asn, can_update_others, can_delete_others) VALUES
 ('laptop', 'ada', 'active', 2, '', '', '', '', '', '', '', '', '', '', 1, 1, 0, 1, 0, 0, true, true)`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
 INSERT INTO judgments (at, id, subject, device_id, grant_id, client_id, sighting, verdict)
 SELECT 1000 + i / 3, CAST(i AS TEXT), 'ada', CASE WHEN i % 5 = 0 THEN 'laptop' ELSE 'phone' END,
 CASE WHEN i % 3 = 0 THEN '' ELSE 'g' || CAST(i % 100 AS TEXT) END, '', '', '' FROM n`,
		"ANALYZE",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// planned fails unless a query walks that index, in its order.
func planned(t *testing.T, db *sql.DB, sqlite bool, query, index string) {
	t.Helper()
	explain := "EXPLAIN "
	if sqlite {
		explain = "EXPLAIN QUERY PLAN "
	}
	text := plan(t, db, explain+query)
	if !strings.Contains(text, index) {
		t.Errorf("not through the index:\n%s\n%s", query, text)
	}
	for _, bad := range []string{"Seq Scan", "SCAN", "Sort", "TEMP B-TREE"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s:\n%s\n%s", bad, query, text)
		}
	}
}

// plan returns what a database answers to an EXPLAIN: the last column.
func plan(t *testing.T, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, explain string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), explain, args...)
	if err != nil {
		t.Fatalf("%v:\n%s", err, explain)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var line string
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	into[len(into)-1] = &line
	var text strings.Builder
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		text.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Each statement of the hot paths finds its rows through an index whatever its
// parameters are, however the database came to its plan: an index that leaves
// rows out is of no use to a statement that does not say so itself.
func TestHotStatementsFindTheirIndex(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, db *sql.DB) {
		up(t, url)
		texts := open(t, url).Hot()
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for n, text := range texts {
			explain, args := "EXPLAIN QUERY PLAN "+text, make([]any, parameters(text))
			unaided := regexp.MustCompile(`(?m)^SCAN [gdstnp]\b`)
			if !strings.HasPrefix(url, "sqlite:") {
				prepare := fmt.Sprintf("PREPARE hot%d AS %s", n, text)
				// A plan for parameters that it does not know, which reads no
				// table from end to end if it can do otherwise.
				for _, statement := range []string{
					"SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", prepare,
				} {
					if _, err := conn.ExecContext(t.Context(), statement); err != nil {
						t.Fatalf("%v:\n%s", err, text)
					}
				}
				explain = fmt.Sprintf("EXPLAIN EXECUTE hot%d (NULL%s)", n, strings.Repeat(", NULL", len(args)-1))
				unaided = regexp.MustCompile(`Seq Scan|Scan using .*\n\s*(->|Filter)`)
				args = nil
			}
			if got := plan(t, conn, explain, args...); unaided.MatchString(got) {
				t.Errorf("reads a table from end to end:\n%s\n%s", text, got)
			}
		}
	})
}

// parameters is how many a statement has.
func parameters(text string) int {
	most := 0
	for _, p := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text, -1) {
		number, _ := strconv.Atoi(p[1]) // digits
		most = max(most, number)
	}
	return most
}
