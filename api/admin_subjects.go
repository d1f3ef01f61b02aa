package api

import (
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// SubjectFinder looks for subjects by the names that operators know.
type SubjectFinder interface {
	// FindSubjects returns who goes by a name: the subject of that ID, and the
	// user who types it to sign in.
	FindSubjects(ctx context.Context, name string) ([]devices.Subject, error)
}

// Subject is an end user as operators see one.
type Subject struct {
	Subject    string    `json:"subject"`
	Identifier string    `json:"identifier" doc:"What they type to sign in. Empty where they sign in elsewhere, or were deleted."`
	Disabled   bool      `json:"disabled"`
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
		out.Body.Subjects[i] = Subject{s.ID, s.Identifier, s.Disabled, s.CreatedAt.UTC()}
	}
	return out, nil
}

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
