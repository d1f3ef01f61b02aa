package provider

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/resource/dpop"
)

var errProof = &fosite.RFC6749Error{
	ErrorField: "invalid_dpop_proof", CodeField: http.StatusBadRequest,
	DescriptionField: "The DPoP proof is missing or not valid for this request.",
}

// proof returns what the request proves possession of, which is nothing where
// it has no proof. token is the access token that the proof must be about, or
// empty at the token endpoint. The error is errProof. Nothing is good before
// [Provider.once] has seen it, too.
func (p *Provider) proof(r *http.Request, endpoint, token string) (dpop.Proof, error) {
	shown, err := dpop.Check(r, p.URL(endpoint), token, p.Now())
	if err != nil {
		return dpop.Proof{}, errProof.WithWrap(err)
	}
	return shown, nil
}

// once remembers a proof until it is too old to be shown again. The store is
// shared, so that no other replica takes it either. Anybody can make keys and
// proofs of them: ask it last, when the request is good in every other way.
func (p *Provider) once(ctx context.Context, shown dpop.Proof) error {
	if shown.Thumbprint == "" {
		return nil
	}
	err := p.Storage.Assertions.UseAssertion(ctx, "dpop:"+shown.Thumbprint, shown.ID, shown.Until)
	switch {
	case errors.Is(err, devices.ErrExists):
		return errProof.WithDescription("The DPoP proof was used before.")
	case err != nil:
		return trouble{err}
	}
	return nil
}

// proofNames returns the algorithms as metadata shows them.
func proofNames() []string {
	names := make([]string, 0, len(dpop.Algorithms()))
	for _, alg := range dpop.Algorithms() {
		names = append(names, string(alg))
	}
	return slices.Sorted(slices.Values(names))
}
