package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard/bounded"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// RegisterAdmin adds the operator's OAuth endpoints to the API of the admin
// listener: /admin/clients and /admin/oauth2/introspect, in Ory Hydra's words
// so that its clients work against them.
func (p *Provider) RegisterAdmin(api huma.API) {
	at := func(method, path, id, summary string, status int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: path, Summary: summary, DefaultStatus: status,
			Tags: []string{"oauth2"}, Middlewares: huma.Middlewares{p.timelyAdmin},
		}
	}
	huma.Register(api, at(http.MethodGet, "/admin/clients", "listOAuth2Clients", "List clients", 200), p.listClients)
	huma.Register(api, at(http.MethodPost, "/admin/clients", "createOAuth2Client", "Create a client", 201), p.createClient)
	huma.Register(api, at(http.MethodGet, "/admin/clients/{id}", "getOAuth2Client", "Show a client", 200), p.getClient)
	huma.Register(api, at(http.MethodPut, "/admin/clients/{id}", "setOAuth2Client", "Replace a client", 200), p.setClient)
	huma.Register(api, at(http.MethodPatch, "/admin/clients/{id}", "patchOAuth2Client", "Change a client (JSON Patch, RFC 6902)", 200), p.patchClient)
	huma.Register(api, at(http.MethodDelete, "/admin/clients/{id}", "deleteOAuth2Client", "Delete a client", 204), p.deleteClient)
	huma.Register(api, at(http.MethodPost, "/admin/oauth2/introspect", "introspectOAuth2Token", "Introspect a token", 200), p.adminIntrospect)
}

// timelyAdmin is timely for the operator's requests.
func (p *Provider) timelyAdmin(c huma.Context, next func(huma.Context)) {
	ctx, cancel := bounded.Context(c.Context(), p.Deadline)
	defer cancel()
	next(huma.WithContext(c, ctx))
}

type clientID struct {
	ID string `path:"id" maxLength:"255"`
}

type clientBody struct {
	Body oauth.Client
}

type clientPage struct {
	PageToken string `query:"page_token" maxLength:"255" doc:"The client_id to go on after"`
	PageSize  int    `query:"page_size" minimum:"1" maximum:"500" default:"250"`
}

type clientList struct {
	Body []oauth.Client
}

func (p *Provider) listClients(ctx context.Context, in *clientPage) (*clientList, error) {
	list, err := p.Storage.Clients.Clients(ctx, devices.Page{After: in.PageToken, Limit: in.PageSize})
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	if list == nil {
		list = []oauth.Client{}
	}
	return &clientList{list}, nil
}

func (p *Provider) getClient(ctx context.Context, in *clientID) (*clientBody, error) {
	c, err := p.Storage.Clients.Client(ctx, in.ID)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return &clientBody{c}, nil
}

// createClient answers with the secret, for this once.
func (p *Provider) createClient(ctx context.Context, in *struct{ RawBody []byte }) (*clientBody, error) {
	c, err := readClient(in.RawBody)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	c, err = p.CreateClient(ctx, c)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return &clientBody{c}, nil
}

// CreateClient completes and adds a client. It returns it with its secret,
// which is generated where the client needs one and brought none, and which
// nobody can read again. Errors are devices.ErrInvalid, devices.ErrExists or
// trouble.
func (p *Provider) CreateClient(ctx context.Context, c oauth.Client) (oauth.Client, error) {
	return CreateClient(ctx, p.Storage.Clients, CompleteClient(c, p.NewID), p.Now())
}

type clientChange struct {
	ID      string `path:"id" maxLength:"255"`
	RawBody []byte
}

func (p *Provider) setClient(ctx context.Context, in *clientChange) (*clientBody, error) {
	before, err := p.Storage.Clients.Client(ctx, in.ID)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	c, err := readClient(in.RawBody)
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	return p.replaceClient(ctx, before, c)
}

// replaceClient puts a client in the place of one.
func (p *Provider) replaceClient(ctx context.Context, before, c oauth.Client) (*clientBody, error) {
	c, err := ReplaceClient(ctx, p.Storage.Clients, before, c, p.Now())
	switch {
	case errors.Is(err, ErrChanged):
		return nil, huma.Error409Conflict("the client was changed meanwhile; read it again")
	case err != nil:
		return nil, p.problem(ctx, err)
	}
	p.clients.forget(c.ID)
	return &clientBody{c}, nil
}

func (p *Provider) deleteClient(ctx context.Context, in *clientID) (*struct{}, error) {
	if err := p.Storage.Clients.DeleteClient(ctx, in.ID, p.Now()); err != nil {
		return nil, p.problem(ctx, err)
	}
	p.clients.forget(in.ID)
	return nil, nil
}

type introspectIn struct {
	RawBody []byte `contentType:"application/x-www-form-urlencoded"`
}

type introspectOut struct {
	Body Introspection
}

// adminIntrospect answers for any token: the listener is the operator's.
func (p *Provider) adminIntrospect(ctx context.Context, in *introspectIn) (*introspectOut, error) {
	form, err := url.ParseQuery(string(in.RawBody))
	if err != nil || form.Get("token") == "" {
		return nil, huma.Error422UnprocessableEntity("send the token as a form parameter of that name")
	}
	state, err := p.Introspect(ctx, form.Get("token"))
	if err != nil {
		return nil, p.problem(ctx, err)
	}
	if wanted := strings.Fields(form.Get("scope")); state.Active && !covers(strings.Fields(state.Scope), wanted) {
		state = Introspection{}
	}
	return &introspectOut{state}, nil
}

// problem is what an error is to the operator.
func (p *Provider) problem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return huma.Error404NotFound("there is no such client")
	case errors.Is(err, devices.ErrExists):
		return huma.Error409Conflict("there is a client by that ID already")
	case errors.Is(err, devices.ErrInvalid):
		return huma.Error422UnprocessableEntity("the client is not valid", detailsOf(err)...)
	default:
		p.Log.ErrorContext(ctx, "admin request failed", "err", err)
		return huma.ErrorWithHeaders(
			huma.Error503ServiceUnavailable("the store is in trouble; nothing has changed"),
			http.Header{"Retry-After": {retryAfter}})
	}
}
