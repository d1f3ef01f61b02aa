package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// What an authentication comes to, besides success and trouble.
var (
	// ErrWrong: no such subject, another password, or a disabled subject.
	ErrWrong = errors.New("wrong identifier or password")
	// ErrDisabled: the password was right and the subject is disabled. It
	// always comes with ErrWrong, and is for logs: people are not told apart.
	ErrDisabled = devices.ErrDisabled
	// ErrSlowDown: there were too many attempts. It comes as a [SlowDown].
	ErrSlowDown = errors.New("too many attempts")
	// ErrBusy: too many passwords and client secrets wait to be compared. The
	// caller may try again.
	ErrBusy = hashing.ErrBusy
)

// SlowDown is an ErrSlowDown that says when to try again.
type SlowDown struct{ RetryAfter time.Duration }

// Error says that there were too many attempts.
func (s SlowDown) Error() string { return fmt.Sprintf("%v, wait %s", ErrSlowDown, s.RetryAfter) }

// Is reports whether target is ErrSlowDown.
func (SlowDown) Is(target error) bool { return target == ErrSlowDown }

// Users keeps subjects and the hashes of their passwords.
type Users interface {
	// UserByIdentifier returns a user whatever the identifier's case, or
	// devices.ErrNotFound.
	UserByIdentifier(ctx context.Context, identifier string) (oauth.User, error)
	// HeldDevice returns the ID of the live device of the user with that
	// identifier whose cookie has one of the hashes, or devices.ErrNotFound.
	HeldDevice(ctx context.Context, identifier string, cookies [][]byte) (string, error)
	// User returns a user by subject, or devices.ErrNotFound.
	User(ctx context.Context, subject string) (oauth.User, error)
}

// Authenticator proves subjects by their passwords. Make one with [New]; its
// methods may be called at once.
type Authenticator struct {
	// Log hears of disabled subjects and broken hashes. Nil is silence.
	Log *slog.Logger
	// Hashing bounds the comparisons. Default: a pool of its own.
	Hashing *hashing.Pool

	users  Users
	now    func() time.Time
	limits *limits
}

// New returns an authenticator.
func New(users Users, now func() time.Time) *Authenticator {
	return &Authenticator{users: users, now: now, limits: newLimits(), Hashing: hashing.New(0)}
}

// Authenticate returns the user of that identifier and password. source is
// where the attempt comes from, such as a network prefix; it is compared and
// never kept for long. cookies are the hashes of the device cookies that the
// browser sent: one of the user's own speaks for it while others guess. The
// error is ErrWrong or ErrSlowDown where the attempt is refused, and anything
// else is trouble.
func (a *Authenticator) Authenticate(
	ctx context.Context, identifier, password, source string, cookies ...[]byte,
) (oauth.User, error) {
	identifier = strings.TrimSpace(identifier)
	// 1. May they try?
	attempt, err := a.attempt(ctx, identifier, source, cookies)
	if err != nil {
		return oauth.User{}, err
	}
	// 2. Whose password would it be?
	user, err := a.users.UserByIdentifier(ctx, identifier)
	known := err == nil && user.PasswordHash != "" && password != "" && len(password) <= MaxPassword
	if err != nil && !errors.Is(err, devices.ErrNotFound) {
		attempt.forget()
		return oauth.User{}, fmt.Errorf("authenticate: %w", err)
	}
	hash := user.PasswordHash
	if !known {
		hash, password = nobody, ""
	}
	// 3. Is it? An unknown identifier costs the same.
	right, err := a.compare(ctx, attempt.lane(), password, hash)
	if err != nil {
		attempt.forget()
		return oauth.User{}, fmt.Errorf("authenticate: %w", err)
	}
	if !known || !right {
		return oauth.User{}, ErrWrong
	}
	// 4. Whoever knows the password has not guessed it.
	attempt.succeeded()
	if user.Disabled {
		a.log().InfoContext(ctx, "disabled subject tried to sign in", "subject", user.Subject)
		return oauth.User{}, fmt.Errorf("%w: %w", ErrWrong, ErrDisabled)
	}
	return user, nil
}

// attempt counts an attempt, or returns a SlowDown. Whether the browser is one
// of the user's devices is looked up only if the attempt would have to wait:
// other servers and restarts forget who has signed in from where, and the
// database does not.
func (a *Authenticator) attempt(ctx context.Context, identifier, source string, cookies [][]byte) (*attempt, error) {
	now := a.now()
	try, wait := a.limits.attempt(identifier, source, now)
	if wait > 0 && len(cookies) > 0 {
		device, err := a.users.HeldDevice(ctx, identifier, cookies)
		switch {
		case errors.Is(err, devices.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("authenticate: %w", err)
		default:
			try, wait = a.limits.fromDevice(identifier, source, device, now)
		}
	}
	if wait > 0 {
		return nil, SlowDown{wait}
	}
	return try, nil
}

// compare compares in a slot of the pool.
func (a *Authenticator) compare(ctx context.Context, lane hashing.Lane, password, hash string) (right bool, err error) {
	if busy := a.Hashing.Do(ctx, lane, func() { right, err = compare(password, hash) }); busy != nil {
		return false, busy
	}
	if err != nil {
		a.log().ErrorContext(ctx, "compare a password", "err", err)
	}
	return right, err
}

// Claims returns what [Claims] says of the subject, or devices.ErrNotFound.
func (a *Authenticator) Claims(
	ctx context.Context, subject string, scopes []string, requested []byte,
) (map[string]any, error) {
	user, err := a.users.User(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("claims of %s: %w", subject, err)
	}
	return Claims(user, scopes, requested), nil
}

func (a *Authenticator) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}
