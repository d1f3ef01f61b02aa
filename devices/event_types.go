package devices

// EventTypes returns every kind of fact that is told.
func EventTypes() []EventType {
	return []EventType{
		EventDeviceEnrolled, EventDeviceFlagged, EventDeviceRefused, EventDeviceRevoked, EventDeviceRenamed,
		EventPermissionsChanged, EventDeviceAcknowledged, EventGrantCreated, EventGrantRevoked,
		EventReuseDetected, EventResponseLost, EventLoginSuspicious, EventHijackSuspected, EventConsentWithdrawn,
	}
}
