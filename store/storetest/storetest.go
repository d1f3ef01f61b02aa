package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

// Store is everything that is kept, as the rooms ask for it.
type Store interface {
	devices.Store
	devices.GrantStore
	devices.Consents
	Clients
	Codes
	SignIns
	Users
	Subjects
	Operator
	Accounts
	Small
}

// Clients are the provider's.
type Clients interface {
	Client(ctx context.Context, id string) (oauth.Client, error)
	Clients(ctx context.Context, p devices.Page) ([]oauth.Client, error)
	CreateClient(ctx context.Context, c oauth.Client) error
	UpdateClient(ctx context.Context, c oauth.Client) (bool, error)
	DeleteClient(ctx context.Context, id string, at time.Time) error
}

// Codes are the provider's.
type Codes interface {
	SaveCode(ctx context.Context, c oauth.Code) error
	Code(ctx context.Context, hash []byte) (oauth.Code, error)
	Redeem(ctx context.Context, hash []byte, g devices.Grant, verified oauth.Client, events []devices.Event) (bool, error)
	OpenGrant(ctx context.Context, g devices.Grant) error
	OpenClientGrant(ctx context.Context, g devices.Grant, verified oauth.Client) error
	CutTokens(ctx context.Context, grantID string, before time.Time) error
}

// SignIns are the provider's.
type SignIns interface {
	OpenSignIn(ctx context.Context, s oauth.SignIn) (bool, error)
	SignIn(ctx context.Context, id string) (oauth.SignIn, error)
	RenewSignIn(ctx context.Context, s oauth.SignIn) (bool, error)
	ExtendSignIn(ctx context.Context, id string, idleUntil time.Time) error
	EndSignIn(ctx context.Context, id string, at time.Time) error
}

// Users finds the provider's users.
type Users interface {
	Identifiers(ctx context.Context, subjects []string) (map[string]string, error)
	UserByIdentifier(ctx context.Context, identifier string) (oauth.User, error)
	HeldDevice(ctx context.Context, identifier string, cookies [][]byte) (string, error)
	User(ctx context.Context, subject string) (oauth.User, error)
}

// Subjects are the provider's users and the operator's.
type Subjects interface {
	CreateUser(ctx context.Context, u oauth.User) error
	SetPassword(ctx context.Context, subject, hash, stays string, by devices.Credential, at time.Time) error
	SetUserDisabled(ctx context.Context, subject string, off bool, at time.Time) error
	ListUsers(ctx context.Context, p devices.Page) ([]oauth.User, error)
}

// Operator is who looks across all subjects.
type Operator interface {
	DeviceByID(ctx context.Context, id string) (devices.Device, error)
	FindDevices(ctx context.Context, q devices.DeviceQuery) ([]devices.Device, error)
	FindGrants(ctx context.Context, q devices.GrantQuery) ([]devices.Grant, error)
	FindSubjects(ctx context.Context, name string) ([]devices.Subject, error)
	EventsAfter(ctx context.Context, cursor string, limit int) (devices.EventPage, error)
	Sweep(ctx context.Context, now time.Time, keep store.Retention) error
}

// Accounts are users as operators change them.
type Accounts interface {
	UpdateUser(ctx context.Context, subject string, at time.Time, edit func(*oauth.User)) (oauth.User, error)
	DeleteUser(ctx context.Context, subject string, at time.Time, end func(devices.Tx) error) error
}

// Small is the rest of what the provider keeps.
type Small interface {
	Consent(ctx context.Context, subject, clientID string) (oauth.Consent, error)
	PutConsent(ctx context.Context, c oauth.Consent) error
	Keys(ctx context.Context) ([]oauth.Key, error)
	PutKey(ctx context.Context, k oauth.Key) error
	UseAssertion(ctx context.Context, clientID, jti string, expires time.Time) error
	UseAttempt(ctx context.Context, state string, expires time.Time) error
}

// Run holds a store to its promises. Open returns an empty one, which goes
// with the test.
func Run(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	for _, promise := range promises {
		t.Run(promise.name, func(t *testing.T) { promise.keeps(t, open(t)) })
	}
}

type promise struct {
	name  string
	keeps func(t *testing.T, s Store)
}

// promises lists every promise.
var promises = []promise{
	{"every field of a device comes back", deviceFields},
	{"every field of a grant comes back", grantFields},
	{"every field of a judgment comes back", judgmentFields},
	{"the judgments about a grant are its own", grantJudgments},
	{"every field of an event comes back", eventFields},
	{"every field of a client comes back", clientFields},
	{"every field of a code comes back", codeFields},
	{"every field of a sign-in comes back", signInFields},
	{"every field of a user, a consent and a key comes back", smallFields},
	{"a change that fails leaves nothing", failedChange},
	{"changes of a subject do not overlap", queuedChanges},
	{"a cancelled context ends the work and changes nothing", cancelled},
	{"nobody reaches another subject's devices", foreign},
	{"a cap is exact under parallel enrolments", exactCap},
	{"a device was last seen at its grants' last rotation", lastSeen},
	{"a rotation moves the grant and nothing else", plainRotation},
	{"a renewal moves times and nothing else", renewal},
	{"a renewal that tells has one winner", toldRenewal},
	{"a rotation of what has changed is lost and tells nothing", lostRotation},
	{"what a rotation tells commits with it", toldRotation},
	{"a flagged rotation flags the device", flaggedRotation},
	{"parallel rotations of one generation have one winner", oneWinner},
	{"no grant survives the revocation of its device", noSurvivor},
	{"a selection ends its grants and no others", endedGrants},
	{"a code is redeemed once", redeemedOnce},
	{"a code is not redeemed where anything is wrong", redeemedNever},
	{"nothing opens on a device that is being revoked", noGrantOnRevoked},
	{"sign-ins are extended, renewed and ended", signIns},
	{"a client goes with its grants and codes", clients},
	{"nothing opens for a client that is being deleted", noGrantOnDeleted},
	{"nothing opens for a client by a secret that has changed", changedClient},
	{"tokens are cut, never uncut", cutTokens},
	{"an assertion is used once", assertions},
	{"users are found whatever the case", users},
	{"a user's live device is found by its cookie", heldDevice},
	{"a disabled subject loses its grants and sign-ins", disabledUser},
	{"a new password ends what the old one opened elsewhere", changedPassword},
	{"nothing is written on a password that has changed", changedMeanwhile},
	{"nothing is written for a sign-in that has ended", endedMeanwhile},
	{"an owner changes nothing with a token that has ended", actorMeanwhile},
	{"no sign-in outlives the password that it was proved by", racedPassword},
	{"an update changes names and claims, and nothing else", updatedUser},
	{"a deleted user leaves tombstones and nothing else", deletedUser},
	{"a user that cannot be ended is not deleted", undeletedUser},
	{"subjects are found by either of their names", foundSubjects},
	{"consents add up", consents},
	{"events say who caused them", actors},
	{"the clients with access to a subject are listed", accesses},
	{"a withdrawn consent is forgotten with all that rests on it", withdrawn},
	{"nothing is written on a consent that is withdrawn", withdrawnInBetween},
	{"no grant outlives the withdrawal of its consent", racedWithdrawal},
	{"a consent is withdrawn by who may", withdrawnByWhom},
	{"an operator finds devices", found},
	{"a sweep forgets what is past and nothing else", swept},
	{"a sweep forgets codes that nobody can use", sweptCodes},
	{"a sweep forgets grants that have long ended", sweptGrants},
	{"text that cannot be kept is refused", unwritable},
	{"text that cannot be kept is not found", unfindable},
	{"a slow event is not missed", slowEvent},
	{"events of a subject come in order", orderedEvents},
	{"the first events of a subject come in order", firstEvents},
	{"event cursors go on", cursors},
	{"lists come in pages", pages},
}
