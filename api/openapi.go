package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// newHuma returns an API on the mux that makes problems of errors and serves
// no page, no schema and no document by itself: huma's pages load scripts from
// elsewhere, and its documents are cached without a lock.
func (d *door) newHuma(mux *http.ServeMux, title, description string) huma.API {
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: title, Version: "1", Description: description},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				deviceScheme: {Type: "http", Scheme: "bearer", Description: "An access token with the scope devices."},
				pagesScheme: {
					Type: "apiKey", In: "cookie", Name: "__Host-lanyard_pages",
					Description: "The session of the pages at /devices, for their own origin only; a POST is sent as application/json.",
				},
			},
		},
		OnAddOperation: []huma.AddOpFunc{documentBody, documentProblems},
	}
	formats := map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	return humago.New(mux, huma.Config{
		OpenAPI: doc, Formats: formats, DefaultFormat: "application/json",
		Transformers: []huma.Transformer{d.transform},
	})
}

// The names of the security schemes in the documents.
const (
	deviceScheme = "device"
	pagesScheme  = "pages"
	adminScheme  = "admin"
)

// bodyType is where an operation keeps the type of the body that it reads.
const bodyType = "body"

// documentBody says what an operation reads by itself.
func documentBody(doc *huma.OpenAPI, op *huma.Operation) {
	t, ok := op.Metadata[bodyType].(reflect.Type)
	if !ok {
		return
	}
	op.RequestBody = &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: doc.Components.Schemas.Schema(t, true, t.Name())},
		},
	}
}

// documentProblems says of every error answer that it is a Problem, which
// huma cannot know.
func documentProblems(doc *huma.OpenAPI, op *huma.Operation) {
	problem := doc.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	for status, response := range op.Responses {
		if media, ok := response.Content[problemType]; ok {
			media.Schema = problem
		}
		if n, _ := strconv.Atoi(status); n == http.StatusServiceUnavailable || n == http.StatusTooManyRequests {
			response.Headers = map[string]*huma.Param{
				"Retry-After": {Description: "Seconds to wait.", Schema: &huma.Schema{Type: "integer"}},
			}
		}
	}
	// Nothing points at huma's own shapes any more.
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
}

// document serves the OpenAPI document, as it stands at the first request.
func document(api huma.API) http.Handler {
	body := sync.OnceValues(func() ([]byte, error) { return json.Marshal(api.OpenAPI()) })
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		doc, err := body()
		if err != nil {
			panic(err) // the door answers 500
		}
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(doc)
	})
}

// documented is an API whose operations are described and not served.
type documented struct{ huma.API }

func (d documented) Adapter() huma.Adapter { return unserved{d.API.Adapter()} }

type unserved struct{ huma.Adapter }

func (unserved) Handle(*huma.Operation, func(huma.Context)) {}

// operation returns the operation of a route. Problems are the statuses that
// it answers beside success and those that every route can.
func operation(scheme, id, method, path, summary string, problems ...int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{scheme},
		Security: []map[string][]string{{scheme: {}}},
		Errors: append(problems, http.StatusUnauthorized, http.StatusForbidden,
			http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable),
	}
}

// serve registers an operation whose errors become problems.
func serve[I, O any](api huma.API, d *door, op huma.Operation, f func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, d.problem(ctx, err)
		}
		return out, nil
	})
}
