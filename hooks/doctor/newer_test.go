package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

func TestSettingsOfNewerOrys(t *testing.T) {
	five := []any{"User-Agent", "Accept-Language", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform"}
	for _, tt := range []struct {
		path  string
		value any
		look  func(map[string]any, doctor.Ours) []doctor.Finding
		level doctor.Level
		paste string
	}{
		{"oauth2.grant.refresh_token.rotation_grace_reuse_count", 1, doctor.Hydra, doctor.Advice,
			"oauth2:\n  grant:\n    refresh_token:\n      rotation_grace_reuse_count: 2\n"},
		{"feature_flags.discard_skipped_consents", true, doctor.Hydra, doctor.Advice, "feature_flags:\n  discard_skipped_consents: false\n"},
		{"strategies.jwt.stateless.enabled", true, doctor.Hydra, doctor.Missing, "strategies:\n  jwt:\n    stateless:\n      enabled: false\n"},
		{"oauth2.token_prefix", "acme_", doctor.Hydra, doctor.Advice, ""},
		{"selfservice.flows.logout.clear_browser_data", true, doctor.Kratos, doctor.Advice,
			"selfservice:\n  flows:\n    logout:\n      clear_browser_data: false\n"},
		{"clients.web_hook.header_allowlist", five, doctor.Kratos, doctor.Advice,
			"clients:\n  web_hook:\n    header_allowlist:\n      - User-Agent\n      - Accept-Language\n      - Sec-Ch-Ua\n" +
				"      - Sec-Ch-Ua-Mobile\n      - Sec-Ch-Ua-Platform\n      - Sec-Ch-Ua-Platform-Version\n      - Sec-Ch-Ua-Model\n" +
				"      - Sec-Ch-Ua-Full-Version-List\n      - Sec-Ch-Ua-Form-Factors\n"},
	} {
		before := hydra
		if strings.HasPrefix(tt.path, "selfservice") || strings.HasPrefix(tt.path, "clients") {
			before = kratos
		}
		said := func(config map[string]any) (found []doctor.Finding) {
			for _, f := range tt.look(config, ours()) {
				if strings.HasSuffix(f.Where, ": "+tt.path) && f.Level != doctor.Good {
					found = append(found, f)
				}
			}
			return found
		}
		if found := said(before()); len(found) > 0 {
			t.Errorf("%s: without it there is %+v", tt.path, found)
		}
		if found := said(set(before(), tt.path, tt.value)); len(found) != 1 || found[0].Level != tt.level || found[0].Paste != tt.paste {
			t.Errorf("%s: %+v", tt.path, found)
		}
	}
	if found := doctor.Kratos(kratos(), ours()); !slices.ContainsFunc(found, func(f doctor.Finding) bool {
		return f.Level == doctor.Good && strings.Contains(f.What, "can add Sec-Ch-Ua-Platform-Version, ")
	}) {
		t.Errorf("without a list, nothing says what one could add: %+v", found)
	}
	for _, harmless := range []m{
		set(hydra(), "oauth2.grant.refresh_token.rotation_grace_reuse_count", 2), set(hydra(), "feature_flags.discard_skipped_consents", false),
	} {
		if a, b := len(doctor.Hydra(harmless, ours())), len(doctor.Hydra(hydra(), ours())); a != b {
			t.Errorf("%d findings instead of %d: %v", a, b, harmless)
		}
	}
}

// A method of an enterprise build has lists of its own, as the others have.
func TestMethodsOfEnterpriseBuilds(t *testing.T) {
	for _, method := range []string{"saml", "deviceauthn"} {
		config := set(kratos(), "selfservice.methods."+method+".enabled", true)
		config = set(config, "selfservice.flows.login.after."+method+".hooks", []any{m{"hook": "revoke_active_sessions"}})
		if found := strings.Join(missing(doctor.Kratos(config, ours())), "\n"); !strings.Contains(found, "does not run for "+method) {
			t.Errorf("%s: %q", method, found)
		}
	}
}
