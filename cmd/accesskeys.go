package cmd

import "github.com/lanyard-id/lanyard/accesskey"

// guard returns what verifies configured keys, and counts wrong ones by the
// network of the client that sent them.
func (s *server) guard(keys []Secret) *accesskey.Guard {
	revealed := make([]string, len(keys))
	for i, key := range keys {
		revealed[i] = key.Reveal()
	}
	return accesskey.New(accesskey.Config{
		Keys: revealed, Source: s.source,
		Failed: func(kind string) { s.metrics.wrongKeys.WithLabelValues(kind).Inc() },
		Now:    s.now, Log: s.log,
	})
}
