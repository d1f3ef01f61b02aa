package records

import (
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// EventQuery is which events are meant. An empty field restricts nothing.
type EventQuery struct {
	Type                        devices.EventType
	Subject, DeviceID, ClientID string
	From, To                    time.Time // To is not included
	Limit                       int
	// Before is the last event of the page before; its time and ID count.
	Before devices.Event
}
