package provider

import (
	"context"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// Clients keeps the registered clients.
type Clients interface {
	// Client returns a client, or devices.ErrNotFound.
	Client(ctx context.Context, id string) (oauth.Client, error)
	// Clients returns clients by ID, a page at a time.
	Clients(ctx context.Context, p devices.Page) ([]oauth.Client, error)
	// CreateClient adds a client, or devices.ErrExists.
	CreateClient(ctx context.Context, c oauth.Client) error
	// UpdateClient replaces a client if it still has the version of c, and
	// reports whether it had.
	UpdateClient(ctx context.Context, c oauth.Client) (bool, error)
	// DeleteClient removes a client with its codes and revokes its grants, or
	// devices.ErrNotFound.
	DeleteClient(ctx context.Context, id string, at time.Time) error
}

// Codes keeps authorization codes until they become grants.
type Codes interface {
	// SaveCode keeps a new code, or returns devices.ErrOutdated if the sign-in
	// that it descends from has ended, or the consent that it rests on has
	// changed or is withdrawn.
	SaveCode(ctx context.Context, c oauth.Code) error
	// Code returns a code by the SHA-256 of it, used ones too, or
	// devices.ErrNotFound.
	Code(ctx context.Context, hash []byte) (oauth.Code, error)
	// Redeem marks the code used and opens its grant in one transaction, and
	// reports whether it was unused, unexpired, its device and subject good
	// and its client there at that moment. If not, nothing has changed. It is
	// devices.ErrOutdated if the client's credential has changed since.
	Redeem(ctx context.Context, hash []byte, g devices.Grant, verified oauth.Client, events []devices.Event) (bool, error)
	// OpenClientGrant adds a grant of a client's own, or returns
	// devices.ErrNotFound where the client is gone, devices.ErrOutdated where
	// its credential has changed since it was verified.
	OpenClientGrant(ctx context.Context, g devices.Grant, verified oauth.Client) error
	// CutTokens makes the grant's access tokens issued before the time dead.
	CutTokens(ctx context.Context, grantID string, before time.Time) error
}

// SignIns keeps who is signed in where.
type SignIns interface {
	// OpenSignIn adds a sign-in if its device and subject are good at that
	// moment and what was verified still holds, and reports whether they were.
	OpenSignIn(ctx context.Context, s oauth.SignIn) (bool, error)
	// SignIn returns a sign-in, ended ones too, or devices.ErrNotFound.
	SignIn(ctx context.Context, id string) (oauth.SignIn, error)
	// RenewSignIn gives a live sign-in the secret, the authentication and the
	// ends of s, by its ID, and reports whether it was live, its device and
	// subject good, and what was verified still so.
	RenewSignIn(ctx context.Context, s oauth.SignIn) (bool, error)
	// ExtendSignIn moves the idle end of a live sign-in.
	ExtendSignIn(ctx context.Context, id string, idleUntil time.Time) error
	// EndSignIn ends a sign-in and revokes those of its grants that were not
	// given offline access.
	EndSignIn(ctx context.Context, id string, at time.Time) error
}

// Consents keeps what subjects let clients have.
type Consents interface {
	// Consent returns it, or devices.ErrNotFound.
	Consent(ctx context.Context, subject, clientID string) (oauth.Consent, error)
	// PutConsent adds the scopes to those consented before and moves At, or
	// returns devices.ErrOutdated or devices.ErrDisabled if the sign-in of who
	// consents has ended.
	PutConsent(ctx context.Context, c oauth.Consent) error
}

// Users keeps the subjects whose passwords are kept here.
type Users interface {
	// UserByIdentifier returns a user whatever the identifier's case, or
	// devices.ErrNotFound.
	UserByIdentifier(ctx context.Context, identifier string) (oauth.User, error)
	// User returns a user by subject, or devices.ErrNotFound.
	User(ctx context.Context, subject string) (oauth.User, error)
}

// Keys keeps the server's keys.
type Keys interface {
	// Keys returns all keys that are not gone, oldest first.
	Keys(ctx context.Context) ([]oauth.Key, error)
	// PutKey adds a key, or replaces it by its ID.
	PutKey(ctx context.Context, k oauth.Key) error
}

// Assertions remembers the client assertions that were used.
type Assertions interface {
	// UseAssertion remembers one until it expires, or returns
	// devices.ErrExists if it was used before (RFC 7523 §3).
	UseAssertion(ctx context.Context, clientID, jti string, expires time.Time) error
}
