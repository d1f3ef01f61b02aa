package provider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"
)

// resourceParameter names where a token is to be used, once or several times
// (RFC 8707 §2). It means the same as one value of the audience parameter.
const resourceParameter = "resource"

var errTarget = &fosite.RFC6749Error{
	ErrorField: "invalid_target", CodeField: http.StatusBadRequest,
	DescriptionField: "The resource is not one that this client may have tokens for.",
}

// resources returns the resources that a request names, if each is an absolute
// URI without a fragment and one of the allowed.
func resources(form url.Values, allowed []string) ([]string, error) {
	var named []string
	for _, raw := range form[resourceParameter] {
		u, err := url.Parse(raw)
		switch {
		case err != nil, !u.IsAbs(), strings.Contains(raw, "#"):
			return nil, errTarget.WithHint("A resource is an absolute URI without a fragment (RFC 8707).")
		case !slices.Contains(allowed, raw):
			return nil, errTarget
		case !slices.Contains(named, raw):
			named = append(named, raw)
		}
	}
	return named, nil
}

// target adds the resources of a request to its audience, within what the
// client is registered with.
func target(r fosite.Requester, c *client) error {
	named, err := resources(r.GetRequestForm(), c.Audience)
	if err != nil || len(named) == 0 {
		return err
	}
	all := slices.Clone(r.GetRequestedAudience())
	for _, resource := range named {
		if !slices.Contains(all, resource) {
			all = append(all, resource)
		}
	}
	r.SetRequestedAudience(all)
	return nil
}

// aimed reports whether the resources that a token request names are those of
// its grant. One token is for all of them: some are asked for where the grant
// begins.
func aimed(form url.Values, audience []string) error {
	named, err := resources(form, audience)
	if err == nil && len(named) > 0 && !covers(named, audience) {
		return errTarget.WithHint(
			"Tokens of this grant are for all its resources. Ask for fewer at the authorization endpoint.")
	}
	return err
}
