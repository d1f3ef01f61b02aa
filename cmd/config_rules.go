package cmd

import (
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/loopback"
	"github.com/lanyard-id/lanyard/webui"
)

// complaints collects what is wrong.
type complaints []string

func (c *complaints) unless(good bool, complaint string) {
	if !good {
		*c = append(*c, complaint)
	}
}

// Validate returns what is wrong between the settings, one line each.
func (c Config) Validate() []string {
	var found complaints
	c.checkListeners(&found)
	c.checkTokens(&found)
	c.checkEntrances(&found)
	found.unless(len(c.TrustedProxies) > 0 || strings.EqualFold(c.ProxyHeader, observe.DefaultProxyHeader),
		"trusted_proxy_header: needs trusted_proxies, whose header it is")
	return found
}

// Complete returns what serving needs and is not set, and what is wrong with
// the files that the settings name.
func (c Config) Complete() []string {
	var found complaints
	found.unless(c.Issuer != "", "issuer: required, such as https://id.example.com (or try --dev)")
	found.unless(len(c.Secrets.System) > 0,
		"secrets.system: required, at least 32 bytes (try: openssl rand -base64 48)")
	found.unless(c.Public.Listen != "", "public.listen: required")
	found.unless(c.Admin.Listen != "", "admin.listen: required")
	return slices.Concat(found, c.checkGeoIP(), c.checkPolicy(), c.WebUI.Brand.check())
}

// check returns what is wrong with a brand and its files.
func (b Brand) check() []string {
	if err := webui.Brand(b).Check(); err != nil {
		return strings.Split(err.Error(), "\n")
	}
	return nil
}

// checkPolicy returns what is wrong with the policy file.
func (c Config) checkPolicy() []string {
	var mistakes *ConfigError
	switch _, err := c.policy(); {
	case errors.As(err, &mistakes):
		found := make([]string, len(mistakes.Complaints))
		for i, complaint := range mistakes.Complaints {
			found[i] = "policy.file: " + complaint
		}
		return found
	case err != nil:
		return []string{"policy.file: " + err.Error()}
	default:
		return nil
	}
}

func (c Config) checkListeners(found *complaints) {
	host, _, _ := net.SplitHostPort(c.Admin.Listen)
	found.unless(c.Admin.Listen == "" || len(c.Admin.Tokens) > 0 || loopback.Host(host),
		"admin.listen: must be a loopback address, or set admin.tokens")
	found.unless(!sameAddress(c.Admin.Listen, c.Public.Listen),
		"admin.listen: must not be public.listen")
	found.unless(!sameAddress(c.Gateway.Listen, c.Public.Listen) && !sameAddress(c.Gateway.Listen, c.Admin.Listen),
		"gateway.listen: must be an address of its own")
	host, _, _ = net.SplitHostPort(c.Public.Listen)
	found.unless(!c.Dev || loopback.Host(host), "public.listen: must be a loopback address with --dev")
}

// sameAddress reports whether two listeners ask for the same port of the same
// host. Port 0 is another one each time.
func sameAddress(a, b string) bool {
	_, port, err := net.SplitHostPort(a)
	return err == nil && a == b && port != "0"
}

func (c Config) checkTokens(found *complaints) {
	t := c.Tokens
	found.unless(t.AccessTTL > 0, "tokens.access_ttl: must be more than 0s")
	found.unless(t.IDTTL > 0, "tokens.id_ttl: must be more than 0s")
	found.unless(t.CodeTTL > 0 && t.CodeTTL <= 10*time.Minute,
		"tokens.code_ttl: must be more than 0s and at most 10m") // RFC 6749 §4.1.2
	found.unless(t.RefreshAbsolute > 0, "tokens.refresh_absolute: must be more than 0s")
	found.unless(t.RefreshIdle <= t.RefreshAbsolute,
		"tokens.refresh_idle: must not be longer than tokens.refresh_absolute")
	found.unless(t.Grace <= time.Minute, "tokens.grace: must be at most 60s")
	found.unless(c.Hooks.Deadline > 0, "hooks.deadline: must be more than 0s")
}

func (c Config) checkEntrances(found *complaints) {
	i, w, g := c.Identity, c.WebUI, c.Gateway
	whole := i.PublicURL != "" && i.AdminURL != "" && i.UIURL != ""
	found.unless(i.Kind != "kratos" || whole, "identity: kratos needs public_url, admin_url and ui_url")
	found.unless(i.Kind != "kratos" || !whole || c.Hooks.Hydra.AdminURL != "",
		"identity: kratos needs hooks.hydra.admin_url, where the bridge gives consent")
	found.unless(w.SignIn != "oidc" || (w.Issuer != "" && w.ClientID != "" && w.ClientSecret != ""),
		"webui: oidc needs issuer, client_id and client_secret")
	found.unless(w.SignIn != "oidc" || w.Issuer == "" || w.Issuer != c.Issuer,
		"webui.issuer: is this server; use sign_in: provider")
	found.unless(w.SignIn == "oidc" || w.Issuer == "",
		"webui.issuer: belongs to sign_in: oidc")
	found.unless(w.SignIn != "kratos" || c.Hooks.Kratos.PublicURL != "" || i.PublicURL != "",
		"webui: kratos needs hooks.kratos.public_url")
	found.unless(c.bypass() == devices.BypassAllowed || g.Listen != "",
		"hooks.require_gateway: needs gateway.listen; off where a proxy asks /hooks/gateway/check, which adds no context of the gateway")
	found.unless((g.Listen == "") == (g.Upstream == ""),
		"gateway: listen and upstream belong together")
}
