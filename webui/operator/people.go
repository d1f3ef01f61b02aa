package operator

import (
	"context"
	"slices"

	"github.com/lanyard-id/lanyard/webui"
)

// people is what subjects sign in with, by subject.
type people map[string]string

// people reads all of a page's subjects at once.
func (o *Operator) people(ctx context.Context, subjects []string) (people, error) {
	slices.Sort(subjects)
	subjects = slices.DeleteFunc(slices.Compact(subjects), func(subject string) bool { return subject == "" })
	if o.Identifiers == nil || len(subjects) == 0 {
		return nil, nil
	}
	return o.Identifiers(ctx, subjects)
}

// of returns what a subject signs in with, or nothing where that is the subject
// itself or not known.
func (p people) of(subject string) string {
	if p[subject] == subject {
		return ""
	}
	return webui.Cut(p[subject], 60)
}
