package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lanyard-id/lanyard/devices"
)

// DeviceEdit is the body of a PATCH by an owner: only what is sent changes.
type DeviceEdit struct {
	Name            *string `json:"name,omitempty" nullable:"true" maxLength:"255" doc:"The owner's name of the device. null and the empty string clear it."`
	CanUpdateOthers *bool   `json:"can_update_other_devices,omitempty" nullable:"false" doc:"Whether it may change other devices."`
	CanDeleteOthers *bool   `json:"can_delete_other_devices,omitempty" nullable:"false" doc:"Whether it may sign out other devices."`
	State           *string `json:"state,omitempty" nullable:"false" enum:"active" doc:"active clears the flag of a flagged device."`
}

// OperatorEdit is the body of a PATCH by an operator: only what is sent changes.
type OperatorEdit struct {
	Name            *string `json:"name,omitempty" nullable:"true" maxLength:"255" doc:"The device's name. null and the empty string clear it."`
	CanUpdateOthers *bool   `json:"can_update_other_devices,omitempty" nullable:"false" doc:"Whether it may change other devices."`
	CanDeleteOthers *bool   `json:"can_delete_other_devices,omitempty" nullable:"false" doc:"Whether it may sign out other devices."`
}

type editKey struct{}

// sentEdit returns the edit that reads found.
func sentEdit(ctx context.Context) devices.Edit {
	e, _ := ctx.Value(editKey{}).(devices.Edit)
	return e
}

// reads adds a body of the type of sample to an operation. It is documented by
// the hook of newHuma and read by this package: what huma finds in an
// operation when it is registered, it reads itself.
func (d *door) reads(op huma.Operation, sample any) huma.Operation {
	t := reflect.TypeOf(sample)
	op.Metadata = map[string]any{bodyType: t}
	var members []string
	for i := range t.NumField() {
		name, _, _ := bytes.Cut([]byte(t.Field(i).Tag.Get("json")), []byte(","))
		members = append(members, string(name))
	}
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		e, err := readEdit(r, members)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		next(huma.WithValue(ctx, editKey{}, e))
	})
	return op
}

// readEdit reads a JSON object of these members.
func readEdit(r *http.Request, members []string) (devices.Edit, error) {
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
	case "application/json", "application/merge-patch+json":
	default:
		return devices.Edit{}, errMediaType
	}
	body, err := io.ReadAll(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return devices.Edit{}, errTooLarge
	case err != nil:
		return devices.Edit{}, invalid(FieldProblem{Field: "body", Message: "broke off"})
	}
	object, err := strictObject(body)
	if err != nil {
		return devices.Edit{}, err
	}
	var e devices.Edit
	var wrong []FieldProblem
	for name, value := range object {
		complaint := "is unknown"
		if slices.Contains(members, name) {
			complaint = set(&e, name, value)
		}
		if complaint != "" {
			wrong = append(wrong, FieldProblem{Field: "body." + name, Message: complaint})
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b FieldProblem) int { return bytes.Compare([]byte(a.Field), []byte(b.Field)) })
		return devices.Edit{}, invalid(wrong...)
	}
	return e, nil
}

// set puts one member into an edit and returns what is wrong with it.
func set(e *devices.Edit, name string, value json.RawMessage) string {
	null := string(value) == "null"
	switch name {
	case "name":
		e.Name = new(string)
		if json.Unmarshal(value, e.Name) != nil { // null leaves it empty
			return "must be a string or null"
		}
	case "can_update_other_devices":
		if null || json.Unmarshal(value, &e.CanUpdateOthers) != nil {
			return "must be true or false"
		}
	case "can_delete_other_devices":
		if null || json.Unmarshal(value, &e.CanDeleteOthers) != nil {
			return "must be true or false"
		}
	case "state":
		if string(value) != `"active"` {
			return `must be "active"`
		}
		e.Acknowledge = true
	}
	return ""
}

// strictObject returns the members of the one JSON object that the body is.
// Names are taken as they are, whatever encoding/json thinks of their case,
// and none may come twice.
func strictObject(body []byte) (map[string]json.RawMessage, error) {
	bad := func(message string) (map[string]json.RawMessage, error) {
		return nil, invalid(FieldProblem{Field: "body", Message: message})
	}
	if !utf8.Valid(body) {
		return bad("must be UTF-8")
	}
	if !json.Valid(body) {
		return bad("must be one JSON object")
	}
	in := json.NewDecoder(bytes.NewReader(body))
	if open, _ := in.Token(); open != json.Delim('{') {
		return bad("must be one JSON object")
	}
	object := map[string]json.RawMessage{}
	for in.More() {
		token, _ := in.Token() // valid, as found above
		name, _ := token.(string)
		if _, twice := object[name]; twice {
			return nil, invalid(FieldProblem{Field: "body." + name, Message: "given more than once"})
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return bad("must be one JSON object")
		}
		object[name] = value
	}
	return object, nil
}
