package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// patchClient changes some members of a client (RFC 6902). All operations
// apply, or none does.
func (p *Provider) patchClient(ctx context.Context, in *clientChange) (*clientBody, error) {
	before, err := p.Storage.Clients.Client(ctx, in.ID)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	c, err := patched(before, in.RawBody)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return p.replaceClient(ctx, before, c)
}

// maxCopied bounds what the copy operations of a patch may add up to, in bytes.
const maxCopied = 64 << 10

// patched returns a client with a patch applied to its JSON.
func patched(c oauth.Client, raw []byte) (oauth.Client, error) {
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return c, fmt.Errorf("%w: a JSON Patch (RFC 6902) is expected: %w", devices.ErrInvalid, err)
	}
	for _, operation := range patch {
		if err := overAbsent(operation); err != nil {
			return c, errors.Join(devices.ErrInvalid, err)
		}
	}
	document, err := json.Marshal(c) //nolint:gosec // because a stored client has no secret to marshal
	if err != nil {
		return c, err
	}
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = maxCopied
	options.AllowMissingPathOnRemove = true
	document, err = patch.ApplyWithOptions(document, options)
	if err != nil {
		return c, errors.Join(devices.ErrInvalid, err)
	}
	return readClient(document)
}

// overAbsent lets an operation replace a member that is not shown because it
// is empty.
func overAbsent(operation jsonpatch.Operation) error {
	path, err := operation.Path()
	if err != nil {
		return err
	}
	if operation.Kind() == "replace" && strings.LastIndex(path, "/") == 0 {
		add := json.RawMessage(`"add"`)
		operation["op"] = &add
	}
	return nil
}
