package devices

// Who causes an event. A device of the subject is named by [ActorDevice].
const (
	ActorOperator = "operator" // through the admin API, the operators' pages or the command line
	ActorClient   = "client"   // RFC 7009
	ActorSystem   = "system"   // this server, by its rules or by what another server reports
)

// ActorDevice returns the actor of what a subject does on a device, or
// ActorSystem if there is no device.
func ActorDevice(id string) string {
	if id == "" {
		return ActorSystem
	}
	return "device:" + id
}

// actorFor returns who ends a grant for a reason, if no device of the subject
// does.
func actorFor(reason Reason) string {
	switch reason {
	case ReasonOperator, ReasonSubjectDisabled:
		return ActorOperator
	case ReasonClient:
		return ActorClient
	default:
		return ActorSystem
	}
}

// revoker returns the actor that RevokedBy of a device names.
func revoker(by string) string {
	switch by {
	case "operator":
		return ActorOperator
	case "policy":
		return ActorSystem
	default:
		return ActorDevice(by)
	}
}
