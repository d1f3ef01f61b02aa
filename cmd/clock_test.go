package cmd

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/hooks/doctor"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// Clocks that are apart are told of, at the start and by doctor.
func TestClocksApart(t *testing.T) {
	url := pgtest.Fresh(t)
	for _, row := range []struct {
		ahead time.Duration
		want  string
	}{
		{0, ""}, {-time.Hour, "behind the database's"}, {time.Minute, "ahead of the database's"},
	} {
		now := func() time.Time { return time.Now().Add(row.ahead) }
		var c Config
		c.Database.URL = DatabaseURL(url)
		found := clockFinding(t.Context(), c, now)
		if len(found) != 1 || (found[0].Level == doctor.Good) != (row.want == "") || !strings.Contains(found[0].What, row.want) {
			t.Errorf("%v ahead, doctor says %+v", row.ahead, found)
		}
		db, err := store.Open(t.Context(), url, store.WithNow(now))
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		(&server{store: db}).warnOfSkew(t.Context(), slog.New(slog.NewTextHandler(&said, nil)))
		if (said.Len() == 0) != (row.want == "") || !strings.Contains(said.String(), row.want) {
			t.Errorf("%v ahead, the log says %q", row.ahead, said.String())
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
