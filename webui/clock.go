package webui

import (
	"context"
	"net/http"
	"time"
)

// nextSecond waits until the second is over and returns that moment. An
// auth_time (OIDC Core §2) has whole seconds: in the second in which an attempt
// begins, it could be from before the attempt.
func nextSecond(ctx context.Context, now time.Time) (time.Time, error) {
	next := now.Truncate(time.Second).Add(time.Second)
	wait := time.NewTimer(next.Sub(now))
	defer wait.Stop()
	select {
	case <-wait.C:
		return next, nil
	case <-ctx.Done():
		return now, ctx.Err()
	}
}

// ahead returns how far another server's clock is ahead of this one's, at most.
// The clock is the Date of its answer, in whole seconds (RFC 9110 §6.6.1); a
// zero one tells nothing. It returns zero if the clocks may agree.
func ahead(clock, asked, answered time.Time) time.Duration {
	least, most := clock.Sub(answered), clock.Add(time.Second).Sub(asked)
	if clock.IsZero() || least <= 0 && most >= 0 {
		return 0
	}
	return most
}

// ourTime returns a time of a server whose clock is ahead, by this server's
// clock. It is never later than now.
func ourTime(theirs time.Time, ahead time.Duration, now time.Time) time.Time {
	if ours := theirs.Add(-ahead); ours.Before(now) {
		return ours
	}
	return now
}

// dated notes the Date of the last answer that passes through.
type dated struct {
	next http.RoundTripper
	at   time.Time
}

// RoundTrip sends the request on.
func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := d.next.RoundTrip(r)
	if err == nil {
		d.at, _ = http.ParseTime(a.Header.Get("Date")) // zero where it says none
	}
	return a, err
}
