package gateway

import (
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/ratelimit"
)

// newAgents limits the new User-Agents that are parsed for a grant and a
// network. A token that is refused and lives on, such as one whose owner has to
// sign in again, could otherwise be sent with any number of them. Without a
// User-Agent, a judgment would miss what a thief looks like: requests beyond
// the limit have to wait. Owners whose User-Agent was seen before, or who are in
// another network than the sender, do not.
type newAgents struct{ parsed *ratelimit.Limiter }

func limitNewAgents() newAgents {
	return newAgents{ratelimit.New(ratelimit.Rule{Burst: 20, Every: 5 * time.Second}, 1<<14)}
}

// wait counts a request with a token of a grant if its User-Agent has to be
// parsed. Beyond the limit, it counts nothing and returns how long to wait.
func (a newAgents) wait(o *observe.Observer, r *http.Request, grantID string, now time.Time) time.Duration {
	if o.Known(r) {
		return 0
	}
	network := devices.Network{Addr: o.ClientAddr(r)}.Prefix().String()
	return a.parsed.Take(ratelimit.Key(grantID, network), now)
}

// waitError is how long a request has to wait.
type waitError time.Duration

func (e waitError) Error() string {
	return "too many new User-Agents, wait " + time.Duration(e).String()
}
