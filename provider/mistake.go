package provider

import (
	"errors"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard/devices"
)

// Mistake is one thing that is wrong with a client. It is devices.ErrInvalid.
type Mistake struct {
	Member string // of the client's JSON, such as redirect_uris
	What   string // what is wrong with it, and what it must be
}

// Error names the member and what is wrong with it.
func (m *Mistake) Error() string {
	return devices.ErrInvalid.Error() + ": " + m.Member + ": " + m.What
}

// Unwrap returns devices.ErrInvalid.
func (m *Mistake) Unwrap() error { return devices.ErrInvalid }

// Mistakes returns the mistakes that an error is made of, in its order.
func Mistakes(err error) []*Mistake {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var all []*Mistake
		for _, part := range joined.Unwrap() {
			all = append(all, Mistakes(part)...)
		}
		return all
	}
	if one := (*Mistake)(nil); errors.As(err, &one) {
		return []*Mistake{one}
	}
	return nil
}

// detailsOf tells an operator what is wrong with what they sent, by member
// where that is known.
func detailsOf(err error) []error {
	var details []error
	for _, m := range Mistakes(err) {
		details = append(details, &huma.ErrorDetail{Location: "body." + m.Member, Message: m.What})
	}
	if len(details) == 0 {
		text := strings.TrimLeft(strings.TrimPrefix(err.Error(), devices.ErrInvalid.Error()), ": \n")
		details = append(details, &huma.ErrorDetail{Location: "body", Message: text})
	}
	return details
}
