package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
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
	// ErrBusy: too many passwords are being checked. Trying again helps.
	ErrBusy = errors.New("too many sign-ins at once")
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
	// User returns a user by subject, or devices.ErrNotFound.
	User(ctx context.Context, subject string) (oauth.User, error)
}

// Authenticator proves subjects by their passwords. Make one with [New]; its
// methods may be called at once.
type Authenticator struct {
	// Log hears of disabled subjects and broken hashes. Nil is silence.
	Log *slog.Logger
	// MaxWait is the longest wait for a turn, besides the context's.
	MaxWait time.Duration

	users  Users
	now    func() time.Time
	limits *limits
	turns  chan struct{}
}

// New returns an authenticator that checks two passwords per processor at
// once and has others wait for up to 5 seconds.
func New(users Users, now func() time.Time) *Authenticator {
	return &Authenticator{
		MaxWait: 5 * time.Second,
		users:   users, now: now, limits: newLimits(),
		turns: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
	}
}

// Authenticate returns the user of that identifier and password. source is
// where the attempt comes from, such as a network prefix; it is compared and
// never kept for long. The error is ErrWrong or ErrSlowDown where the attempt
// is refused, and anything else is trouble.
func (a *Authenticator) Authenticate(
	ctx context.Context, identifier, password, source string,
) (oauth.User, error) {
	identifier = strings.TrimSpace(identifier)
	// 1. May they try?
	attempt, wait := a.limits.attempt(identifier, source, a.now())
	if wait > 0 {
		return oauth.User{}, SlowDown{wait}
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
	right, err := a.compare(ctx, password, hash)
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

// compare compares when there is a turn.
func (a *Authenticator) compare(ctx context.Context, password, hash string) (bool, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, a.MaxWait, ErrBusy)
	defer cancel()
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	case <-waiting.Done():
		return false, context.Cause(waiting)
	}
	right, err := compare(password, hash)
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
