package cmd

import (
	"net/netip"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Config is everything an operator can set. Meanings, defaults and bounds of
// the keys are in lanyard.schema.json, which Load applies; rules between keys
// are in Validate.
type Config struct {
	Issuer         string         `koanf:"issuer"`
	Public         Public         `koanf:"public"`
	Admin          Admin          `koanf:"admin"`
	Database       Database       `koanf:"database"`
	Secrets        Secrets        `koanf:"secrets"`
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies"`
	ProxyHeader    string         `koanf:"trusted_proxy_header"`
	Identity       Identity       `koanf:"identity"`
	Tokens         Tokens         `koanf:"tokens"`
	Devices        Devices        `koanf:"devices"`
	Policy         Policy         `koanf:"policy"`
	GeoIP          GeoIP          `koanf:"geoip"`
	Hooks          Hooks          `koanf:"hooks"`
	Gateway        Gateway        `koanf:"gateway"`
	WebUI          WebUI          `koanf:"webui"`
	Retention      Retention      `koanf:"retention"`
	Log            Log            `koanf:"log"`

	// Dev says that this is the development server: one person, one machine,
	// nothing that must last.
	Dev bool `koanf:"-"`

	effective map[string]any // as merged, secrets hidden, for printing
}

// Public is the listener that everybody may reach.
type Public struct {
	Listen string `koanf:"listen"`
}

// Admin is the operator's listener.
type Admin struct {
	Listen string   `koanf:"listen"`
	Tokens []Secret `koanf:"tokens"`
}

// Database is where everything is kept.
type Database struct {
	URL              DatabaseURL `koanf:"url"`
	RememberedGrants int         `koanf:"remembered_grants"`
}

// Secrets seal the keys at rest. The first one seals, all of them open.
type Secrets struct {
	System []Secret `koanf:"system"`
}

// Identity is who knows the subjects. The URLs are Kratos'.
type Identity struct {
	Kind      string `koanf:"kind"`
	PublicURL string `koanf:"public_url"`
	AdminURL  string `koanf:"admin_url"`
	UIURL     string `koanf:"ui_url"`
}

// Tokens are the lifetimes. A RefreshIdle of zero means that no grant idles
// out.
type Tokens struct {
	AccessTTL       time.Duration `koanf:"access_ttl"`
	IDTTL           time.Duration `koanf:"id_ttl"`
	CodeTTL         time.Duration `koanf:"code_ttl"`
	RefreshIdle     time.Duration `koanf:"refresh_idle"`
	RefreshAbsolute time.Duration `koanf:"refresh_absolute"`
	Grace           time.Duration `koanf:"grace"`
}

// Devices are the operator's rules about devices.
type Devices struct {
	MaxPerSubject    int              `koanf:"max_per_subject"`
	Eviction         devices.Eviction `koanf:"eviction"`
	MaxNewPerHour    int              `koanf:"max_new_per_hour"`
	Permissions      string           `koanf:"permissions"` // all or first
	UpdateDelay      time.Duration    `koanf:"update_delay"`
	DeleteDelay      time.Duration    `koanf:"delete_delay"`
	MinActorAge      time.Duration    `koanf:"min_actor_age"`
	ConcurrentWindow time.Duration    `koanf:"concurrent_window"`
}

// Policy is how sightings are judged.
type Policy struct {
	Mode devices.Mode `koanf:"mode"`
	File string       `koanf:"file"`
}

// GeoIP names the databases that tell places; empty means none.
type GeoIP struct {
	City string `koanf:"city"`
	ASN  string `koanf:"asn"`
}

// Hooks is the entrance beside an existing Ory.
type Hooks struct {
	Keys         []Secret      `koanf:"keys"`
	Deadline     time.Duration `koanf:"deadline"`
	UnknownGrant string        `koanf:"unknown_grant"`
	// RequireGateway is off, flag or refuse; empty follows the gateway.
	RequireGateway string `koanf:"require_gateway"`
	Hydra          Hydra  `koanf:"hydra"`
	Kratos         Ory    `koanf:"kratos"`
}

// Hydra is where a Hydra is reached, and how long its access tokens live by
// its own configuration.
type Hydra struct {
	AdminURL  string        `koanf:"admin_url"`
	PublicURL string        `koanf:"public_url"`
	AccessTTL time.Duration `koanf:"access_ttl"`
}

// Ory is where a Kratos is reached.
type Ory struct {
	AdminURL  string `koanf:"admin_url"`
	PublicURL string `koanf:"public_url"`
}

// Gateway is the proxy before Hydra's public port; empty means none.
type Gateway struct {
	Listen   string `koanf:"listen"`
	Upstream string `koanf:"upstream"`
}

// WebUI is how an owner signs in to the pages, and whose the pages are.
type WebUI struct {
	Brand        Brand  `koanf:"brand"`
	SignIn       string `koanf:"sign_in"`
	Issuer       string `koanf:"issuer"`
	ClientID     string `koanf:"client_id"`
	ClientSecret Secret `koanf:"client_secret"`
}

// Brand is whose service the pages are of.
type Brand struct {
	Name       string `koanf:"name"`
	Logo       string `koanf:"logo"`
	Accent     string `koanf:"accent"`
	AccentDark string `koanf:"accent_dark"`
	SupportURL string `koanf:"support_url"`
}

// Retention is how long history is kept.
type Retention struct {
	Sightings time.Duration `koanf:"sightings"`
	Addresses time.Duration `koanf:"addresses"`
	Events    time.Duration `koanf:"events"`
}

// Log is how and how much is logged.
type Log struct {
	Format string `koanf:"format"`
	Level  string `koanf:"level"`
}

// Rules returns the operator's rules as the domain takes them.
func (d Devices) Rules() devices.Rules {
	r := devices.DefaultRules()
	r.MaxPerSubject, r.Eviction, r.MaxNewPerHour = d.MaxPerSubject, d.Eviction, d.MaxNewPerHour
	r.EveryDeviceActs = d.Permissions == "all"
	r.UpdateDelay, r.DeleteDelay, r.MinActorAge = d.UpdateDelay, d.DeleteDelay, d.MinActorAge
	return r
}

// bypass returns the rule for refreshes at Hydra that did not pass the gateway:
// as set, else a flag if there is a gateway.
func (c Config) bypass() devices.Bypass {
	switch {
	case c.Hooks.RequireGateway == "refuse":
		return devices.BypassRefused
	case c.Hooks.RequireGateway == "flag", c.Hooks.RequireGateway == "" && c.Gateway.Listen != "":
		return devices.BypassFlagged
	default:
		return devices.BypassAllowed
	}
}
