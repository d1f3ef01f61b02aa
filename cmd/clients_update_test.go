package cmd_test

import (
	"slices"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

// opens reports whether a chosen secret is the client's.
func opens(t *testing.T, id, secret string) bool {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:lanyard.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	c, err := s.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	match, err := argon2id.ComparePasswordAndHash(secret, c.SecretHash)
	return err == nil && match
}

// What an update does not name stays, the secret too; what it names is checked
// as at the registration.
func TestClientsUpdate(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	const chosen, another = "correct horse battery, and a staple", "battery horse correct, and a staple"
	var before, after oauth.Client
	m.prints(&before, "clients", "create", "--id", "web", "--name", "Web", "--secret", chosen, "--redirect-uri", "https://a.example.com/cb",
		"--access-ttl", "5m", "--skip-consent")

	m.prints(&after, "clients", "update", "web", "--redirect-uri", "https://a.example.com/cb", "--redirect-uri", "https://b.example.com/cb")
	if after.Name != "Web" || after.AccessTTL != "5m" || !after.SkipConsent || after.Secret != "" || !opens(t, "web", chosen) ||
		!slices.Equal(after.RedirectURIs, []string{"https://a.example.com/cb", "https://b.example.com/cb"}) ||
		!after.CreatedAt.Equal(before.CreatedAt.Truncate(time.Microsecond)) || !slices.Equal(after.GrantTypes, before.GrantTypes) {
		t.Errorf("updated to %+v", after)
	}
	after = oauth.Client{}
	m.prints(&after, "clients", "update", "web", "--access-ttl", "", "--no-skip-consent", "--name", "The web")
	if after.AccessTTL != "" || after.SkipConsent || after.Name != "The web" || len(after.RedirectURIs) != 2 {
		t.Errorf("updated to %+v", after)
	}

	after = oauth.Client{}
	m.prints(&after, "clients", "update", "web", "--audience", "https://a.example.com,https://b.example.com", "--audience", "c",
		"--scope", "openid", "--scope", "email,phone", "--post-logout-redirect-uri", "https://a.example.com/out")
	if !slices.Equal(after.Audience, []string{"https://a.example.com", "https://b.example.com", "c"}) || after.Scope != "openid email phone" ||
		len(after.PostLogout) != 1 {
		t.Errorf("updated to %+v", after)
	}
	for _, args := range [][]string{
		{"--name", "The web"}, // what is not named stays
		{"--audience", "", "--scope", "", "--grant-type", "", "--response-type=", "--post-logout-redirect-uri", ""},
	} {
		after = oauth.Client{}
		m.prints(&after, append([]string{"clients", "update", "web"}, args...)...)
		if given := len(args) > 2; (len(after.Audience) == 0) != given || (len(after.PostLogout) == 0) != given ||
			given && (after.Scope != "openid offline_access" || !slices.Equal(after.GrantTypes, []string{"authorization_code"}) ||
				!slices.Equal(after.ResponseType, []string{"code"})) {
			t.Errorf("%q made %+v", args, after)
		}
	}
	m.complains(2, "--redirect-uri: ", "clients", "update", "web", "--redirect-uri", "")
	m.complains(2, "--audience", "clients", "update", "web", "--audience")

	after = oauth.Client{}
	m.stdin = another + "\n"
	m.prints(&after, "clients", "update", "web", "--secret", "-")
	if opens(t, "web", chosen) || !opens(t, "web", another) {
		t.Errorf("the secret given is not in force: %+v", after)
	}
	m.prints(&after, "clients", "update", "web", "--new-secret")
	if len(after.Secret) < 40 || opens(t, "web", another) {
		t.Errorf("the new secret is %q", after.Secret)
	}
	m.complains(2, "--redirect-uri: ", "clients", "update", "web", "--redirect-uri", "https://*.example.com/cb")
	m.complains(2, "--secret: must have at least 32 characters", "clients", "update", "web", "--secret", another[:31])
	m.complains(2, "--new-secret", "clients", "update", "web", "--new-secret", "--secret", another)
	m.complains(1, `no client "nobody"`, "clients", "update", "nobody", "--name", "x")
	var now oauth.Client
	m.prints(&now, "clients", "show", "web")
	if now.Name != "The web" || len(now.RedirectURIs) != 2 {
		t.Errorf("a refused update made %+v", now)
	}
	for _, args := range [][]string{{"update", "lanyard-pages", "--name", "x"}, {"delete", "lanyard-pages"}} {
		m.complains(1, "owners' pages", append([]string{"clients"}, args...)...)
	}
}

// A secret that is shorter than new ones may be goes on opening, until another
// is set.
func TestShortSecretsOfBefore(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	const short = "of 17 characters."
	m.runs(0, "clients", "create", "--id", "old", "--redirect-uri", "https://a.example.com/cb")
	s, err := store.Open(t.Context(), "sqlite:lanyard.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	old, err := s.Client(t.Context(), "old")
	if err == nil {
		old.SecretHash, err = provider.HashSecret(short)
	}
	if err == nil {
		_, err = s.UpdateClient(t.Context(), old)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.runs(0, "clients", "update", "old", "--name", "Old")
	if !opens(t, "old", short) {
		t.Error("the old secret opens no more")
	}
}
