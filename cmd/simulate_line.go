package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// sightingLine is one line of sightings.jsonl: a token call, as recorded or
// made up.
type sightingLine struct {
	At         string            `json:"at"`
	Subject    string            `json:"subject"`
	Device     string            `json:"device"`
	Grant      string            `json:"grant"`
	Client     string            `json:"client"`
	Binding    devices.Binding   `json:"binding"`
	IP         string            `json:"ip"`
	Headers    map[string]values `json:"headers"`
	Geo        *geoLine          `json:"geo"`
	Generation int64             `json:"generation"`
	// Key is the thumbprint of the key that was shown (RFC 7638), empty where
	// none was. Nil is not recorded: a client that must have one had it.
	Key   *string `json:"key"`
	Label string  `json:"label"`

	at   time.Time
	addr netip.Addr
}

// The labels: what is known about who held the token.
const (
	labelLegit = "legit"
	labelTheft = "theft"
)

// values is a header: a text, or a list of them where it came several times.
type values []string

// UnmarshalJSON reads both.
func (v *values) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(v))
	}
	var one string
	err := json.Unmarshal(text, &one)
	*v = values{one}
	return err
}

// parseSighting reads a line. Its error says what is wrong with it.
func parseSighting(text []byte) (sightingLine, error) {
	var l sightingLine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, inWordsOfJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("more than one JSON object on the line")
	}
	return l, l.check()
}

// inWordsOfJSON says in the words of the file what a decoder complains of.
func inWordsOfJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	switch unknown, is := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case is:
		return fmt.Errorf("%s: unknown member", strings.Trim(unknown, `"`))
	case errors.As(err, &wrong):
		got, _, _ := strings.Cut(wrong.Value, " ") // "number 1.5"
		where := strings.TrimSuffix("line."+wrong.Field, ".")
		return fmt.Errorf("%s: must be %s, is %s", strings.TrimPrefix(where, "line."),
			inWordsOfLines(jsonTypeOf(wrong.Type)), inWordsOfLines(got))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not a JSON object: it is cut off")
	default:
		return fmt.Errorf("not a JSON object: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
}

func inWordsOfLines(jsonType string) string {
	if jsonType == "object" {
		return "an object"
	}
	return inWords(jsonType)
}

func jsonTypeOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice:
		return "array"
	case reflect.String:
		return "string"
	case reflect.Float64:
		return "number"
	default:
		return "integer"
	}
}

// check fills what the line leaves out and finds what cannot be judged.
func (l *sightingLine) check() error {
	for _, must := range []struct{ name, value string }{
		{"at", l.At}, {"subject", l.Subject}, {"grant", l.Grant},
	} {
		if must.value == "" {
			return fmt.Errorf("%s: required", must.name)
		}
	}
	var err error
	if l.at, err = time.Parse(time.RFC3339, l.At); err != nil {
		return fmt.Errorf("at: must be a time such as 2026-11-23T09:00:00Z (RFC 3339)")
	}
	if l.IP != "" {
		if l.addr, err = netip.ParseAddr(l.IP); err != nil {
			return fmt.Errorf("ip: %q is no address", l.IP)
		}
	}
	switch l.Binding {
	case "":
		l.Binding = devices.BindingObserved
	case devices.BindingDeviceStatus, devices.BindingObserved, devices.BindingForwarded, devices.BindingDPoP:
	default:
		return fmt.Errorf("binding: must be device_status, observed, forwarded or dpop, is %q", l.Binding)
	}
	if err := l.Geo.check(); err != nil {
		return err
	}
	if l.Generation < 0 {
		return errors.New("generation: must not be negative")
	}
	if l.Label != "" && l.Label != labelLegit && l.Label != labelTheft {
		return fmt.Errorf("label: must be legit or theft, is %q", l.Label)
	}
	return nil
}

// seen returns the line as the entrance would have seen it.
func (l sightingLine) seen(looks *observe.Observer) devices.Sighting {
	h := make(http.Header, len(l.Headers))
	for name, all := range l.Headers {
		for _, value := range all {
			h.Add(name, value)
		}
	}
	var s devices.Sighting
	if l.Headers == nil || l.Binding == devices.BindingForwarded {
		s = looks.ObserveHeaders(h, l.addr, devices.EntranceProvider) // others passed it on
	} else {
		s = looks.Observe(&http.Request{Header: h, RemoteAddr: l.addr.String()}, devices.EntranceProvider)
	}
	s.At = l.at
	if l.Geo != nil {
		s.Network = l.Geo.network(l.addr.Unmap())
	}
	switch {
	case l.Key != nil:
		s.Proof.KeyThumbprint = *l.Key
	case l.Binding == devices.BindingDPoP:
		s.Proof.KeyThumbprint = "not recorded"
	}
	return s
}
