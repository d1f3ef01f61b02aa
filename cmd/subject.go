package cmd

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/lanyard-id/lanyard/api"
)

// subject returns the sub of whom an operator names, by it or by what they
// type to sign in, or "" for nobody that is known here. A name that is the one
// of somebody and the other of somebody else is an error that tells them apart.
func (c *adminClient) subject(ctx context.Context, name string) (string, error) {
	var found api.Subjects
	err := c.call(ctx, http.MethodGet, "/admin/subjects", url.Values{"name": {name}}, nil, &found)
	switch {
	case err != nil:
		return "", err
	case len(found.Subjects) == 0:
		return "", nil
	case len(found.Subjects) > 1:
		return "", ambiguous(name, found.Subjects[0].Subject, found.Subjects[1].Subject)
	}
	return found.Subjects[0].Subject, nil
}

// ambiguous is the error of a name that two go by: the subject of one, and what
// the other types to sign in.
func ambiguous(name, one, other string) error {
	if one == name {
		one = other
	}
	return fmt.Errorf("%q is two: somebody's subject, and what the subject %s types to sign in; name that one by its "+
		"subject, and the first by what they type", name, one)
}

// only narrows a list to whom a flag names, where it does. Nobody is no error,
// for a subject may be met tomorrow, but is said.
func (a *app) only(client *adminClient, name *string) error {
	if *name == "" {
		return nil
	}
	sub, err := client.subject(a.ctx, *name)
	switch {
	case err != nil:
		return err
	case sub == "":
		fmt.Fprintf(a.stderr, "nobody is known here by the subject or identifier %q\n", printable(*name))
	default:
		*name = sub
	}
	return nil
}
