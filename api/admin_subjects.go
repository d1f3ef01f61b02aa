package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// SubjectFinder looks for subjects by the names that operators know, and decides
// whether they may sign in.
type SubjectFinder interface {
	// FindSubjects returns who goes by a name: the subject of that ID, and the
	// user who types it to sign in.
	FindSubjects(ctx context.Context, name string) ([]devices.Subject, error)
	// SetUserDisabled lets a subject sign in again or no more; that ends its
	// grants and sign-ins, and its devices stay. A subject that was never met is
	// devices.ErrNotFound.
	SetUserDisabled(ctx context.Context, subject string, off bool, at time.Time) error
}

// Subject is an end user as operators see one.
type Subject struct {
	Subject    string    `json:"subject"`
	Identifier string    `json:"identifier" doc:"What they type to sign in. Empty where they sign in elsewhere, or were deleted."`
	Disabled   bool      `json:"disabled" doc:"They may not sign in. Their devices stay."`
	CreatedAt  time.Time `json:"created_at,omitzero"`
}

// Subjects are those who go by a name.
type Subjects struct {
	Subjects []Subject `json:"subjects" nullable:"false"`
}

type findSubjectsInput struct {
	Name string `query:"name" required:"true" minLength:"1" maxLength:"255" doc:"The sub of their tokens, or what they type to sign in."`
}

type subjectsOutput struct{ Body Subjects }

func (a *Admin) findSubjects(ctx context.Context, in *findSubjectsInput) (*subjectsOutput, error) {
	found, err := a.subjects.FindSubjects(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	out := &subjectsOutput{Subjects{Subjects: make([]Subject, len(found))}}
	for i, s := range found {
		out.Body.Subjects[i] = subjectOf(s)
	}
	return out, nil
}

func subjectOf(s devices.Subject) Subject {
	return Subject{s.ID, s.Identifier, s.Disabled, s.CreatedAt.UTC()}
}

type subjectOutput struct{ Body Subject }

type subjectInput struct {
	Subject string `path:"sub" maxLength:"255" doc:"The sub of the subject's tokens."`
}

// subjectDevices answers with all of them: a subject has few.
func (a *Admin) subjectDevices(ctx context.Context, in *subjectInput) (*adminDevicesOutput, error) {
	found, err := a.registry.Store.Devices(ctx, in.Subject)
	if err != nil {
		return nil, err
	}
	return adminDevicesOf(found, ""), nil
}

// endSubject ends everything of a subject. Ending nobody is no error, and makes
// nobody of them.
func (a *Admin) endSubject(ctx context.Context, in *subjectInput) (*revokedOutput, error) {
	found, err := a.subjects.FindSubjects(ctx, in.Subject)
	known := slices.ContainsFunc(found, func(s devices.Subject) bool { return s.ID == in.Subject })
	if err != nil || !known {
		return &revokedOutput{}, err
	}
	n, err := a.registry.RevokeSubject(ctx, in.Subject, devices.ReasonOperator)
	if err != nil {
		return nil, err
	}
	return &revokedOutput{Revoked{n}}, nil
}

func (a *Admin) disableSubject(ctx context.Context, in *subjectInput) (*subjectOutput, error) {
	return a.setDisabled(ctx, in.Subject, true)
}

func (a *Admin) enableSubject(ctx context.Context, in *subjectInput) (*subjectOutput, error) {
	return a.setDisabled(ctx, in.Subject, false)
}

// setDisabled answers with the subject as it is then.
func (a *Admin) setDisabled(ctx context.Context, subject string, off bool) (*subjectOutput, error) {
	err := a.subjects.SetUserDisabled(ctx, subject, off, a.registry.Now())
	if errors.Is(err, devices.ErrNotFound) {
		return nil, errNoSubject
	} else if err != nil {
		return nil, err
	}
	found, err := a.subjects.FindSubjects(ctx, subject)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		if s.ID == subject {
			return &subjectOutput{subjectOf(s)}, nil
		}
	}
	return nil, errNoSubject // deleted meanwhile
}
