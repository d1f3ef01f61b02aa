package devices_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// refresh returns the case of Ada's laptop refreshing as ever, edited.
func refresh(edits ...func(*devices.Case)) devices.Case {
	d := devicestest.Laptop("ada")
	g := devicestest.GrantOn(d)
	c := devices.Case{
		Now: devicestest.Start(), Device: &d, Grant: &g, Binding: devices.BindingObserved,
		Lineage: devices.Current, Sighting: devicestest.Returns(d),
	}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

// showing replaces signals of the sighting.
func showing(pairs ...string) func(*devices.Case) {
	return func(c *devices.Case) {
		for i := 0; i < len(pairs); i += 2 {
			c.Sighting.Fingerprint[devices.Signal(pairs[i])] = pairs[i+1]
		}
	}
}

// unseen removes signals from the sighting: nobody could look.
func unseen(signals ...devices.Signal) func(*devices.Case) {
	return func(c *devices.Case) {
		for _, s := range signals {
			delete(c.Sighting.Fingerprint, s)
		}
	}
}

func bound(b devices.Binding) func(*devices.Case) { return func(c *devices.Case) { c.Binding = b } }

func held(l devices.Lineage) func(*devices.Case) { return func(c *devices.Case) { c.Lineage = l } }

func thumbprint(bound, shown string) func(*devices.Case) {
	return func(c *devices.Case) {
		c.Grant.Baseline.KeyThumbprint, c.Sighting.Proof.KeyThumbprint = bound, shown
	}
}

func cookies(hashes ...[]byte) func(*devices.Case) {
	return func(c *devices.Case) { c.Sighting.Proof.CookieHashes = hashes }
}

func deviceRevoked(c *devices.Case)   { c.Device.State = devices.StateRevoked }
func grantRevoked(c *devices.Case)    { c.Grant.RevokedAt = c.Now.Add(-time.Second) }
func grantExpired(c *devices.Case)    { c.Grant.NotAfter = c.Now }
func grantIdle(c *devices.Case)       { c.Grant.IdleUntil = c.Now }
func subjectDisabled(c *devices.Case) { c.SubjectDisabled = true }
func signIn(c *devices.Case)          { c.Grant = nil }
func fromElsewhere(c *devices.Case)   { c.Sighting.Network = devicestest.Thief().Network }
func byTheThief(c *devices.Case)      { c.Sighting = devicestest.Thief() }
func noBaseline(c *devices.Case)      { c.Grant.Baseline = nil }
func noDevice(c *devices.Case)        { c.Device = nil }

const (
	spares  = false
	revokes = true
)

type sentence struct {
	name    string
	edits   []func(*devices.Case)
	want    devices.Decision
	grant   bool
	reasons []devices.Reason
}

func edits(es ...func(*devices.Case)) []func(*devices.Case) { return es }

func because(rs ...devices.Reason) []devices.Reason { return rs }

func checkAll(t *testing.T, p devices.Policy, rows []sentence) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			v := p.Judge(refresh(row.edits...))
			if v.Decision != row.want || v.RevokeGrant != row.grant || !slices.Equal(v.Reasons(), row.reasons) {
				t.Errorf("got %s, revokes %t, because of %v (%d dB)\nwant %s, revokes %t, because of %v",
					v.Decision, v.RevokeGrant, v.Reasons(), v.Weight, row.want, row.grant, row.reasons)
			}
			if v.PolicyVersion != p.Version {
				t.Errorf("judged under version %q, want %q", v.PolicyVersion, p.Version)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	phonesCookie := devicestest.Phone("ada").CookieHash
	checkAll(t, devices.DefaultPolicy(), []sentence{
		{"the same as ever is allowed", nil, devices.Allow, spares, nil},
		{"another address alone is allowed", edits(fromElsewhere), devices.Allow, spares, nil},
		{"a first token call has nothing to resemble", edits(noBaseline, byTheThief), devices.Allow, spares, nil},
		{"a grant without a device is judged by its own looks", edits(noDevice), devices.Allow, spares, nil},

		{"a newer browser is allowed", edits(showing("browser_version", "143.0.7500.1")), devices.Allow, spares, nil},
		{"an older patch is allowed", edits(showing("browser_version", "142.0.7000.1")), devices.Allow, spares, nil},
		{"an older browser is flagged", edits(showing("browser_version", "141.0.7390.54")),
			devices.Flag, spares, because(devices.ReasonDowngrade)},
		{"a newer system is allowed", edits(showing("os_version", "12")), devices.Allow, spares, nil},
		{"an older system is flagged", edits(showing("os_version", "10")),
			devices.Flag, spares, because(devices.ReasonDowngrade)},
		{"older all over must sign in", edits(showing("os_version", "10", "browser_version", "140")),
			devices.StepUp, spares, because(devices.ReasonDowngrade, devices.ReasonDowngrade)},
		{"another language is allowed", edits(showing("language", "de")),
			devices.Allow, spares, because(devices.ReasonEvidenceMismatch)},
		{"another class is flagged", edits(showing("class", "phone")),
			devices.Flag, spares, because(devices.ReasonClassChanged)},
		{"hints that contradict are flagged", edits(showing("contradiction", "platform Linux, User-Agent Windows")),
			devices.Flag, spares, because(devices.ReasonContradiction)},
		{"another system alone must sign in", edits(showing("os", "Linux")),
			devices.StepUp, spares, because(devices.ReasonOSChanged)},
		{"another browser alone must sign in", edits(showing("browser", "Firefox")),
			devices.StepUp, spares, because(devices.ReasonBrowserChanged)},
		{"a withheld browser must sign in", edits(showing("browser", "")),
			devices.StepUp, spares, because(devices.ReasonBrowserChanged)},
		{"another system and browser end the grant", edits(showing("os", "Linux", "browser", "Firefox")),
			devices.Refuse, revokes, because(devices.ReasonOSChanged, devices.ReasonBrowserChanged)},
		{"versions of different browsers are not compared", edits(showing("browser", "Firefox", "browser_version", "128")),
			devices.StepUp, spares, because(devices.ReasonBrowserChanged)},
		{"the thief's looks end the grant", edits(byTheThief),
			devices.Refuse, revokes, because(devices.ReasonOSChanged, devices.ReasonBrowserChanged)},

		{"what nobody could look at is no mismatch", edits(unseen("os", "os_version", "browser", "browser_version",
			"class", "brand", "model", "language", "contradiction")), devices.Allow, spares, nil},
		{"a frozen version is no fall", edits(unseen("os_version")), devices.Allow, spares, nil},
		{"a withheld cookie says nothing", edits(cookies()), devices.Allow, spares, nil},
		{"another device's cookie must sign in", edits(cookies(phonesCookie)),
			devices.StepUp, spares, because(devices.ReasonCookieMismatch)},
		{"a cookie of several subjects is this device's too",
			edits(cookies(phonesCookie, devicestest.Laptop("ada").CookieHash)), devices.Allow, spares, nil},
		{"another device's cookie with another system ends the grant", edits(cookies(phonesCookie), showing("os", "Linux")),
			devices.Refuse, revokes, because(devices.ReasonOSChanged, devices.ReasonCookieMismatch)},

		{"a backend's looks say nothing of the device", edits(bound(devices.BindingDeviceStatus), byTheThief),
			devices.Allow, spares, nil},
		{"looks that were passed on are compared", edits(bound(devices.BindingForwarded), byTheThief),
			devices.Refuse, revokes, because(devices.ReasonOSChanged, devices.ReasonBrowserChanged)},
		{"with the key, looks never refuse", edits(bound(devices.BindingDPoP), byTheThief, thumbprint("k1", "k1")),
			devices.Allow, spares, nil},
		{"nor where the client need not have shown one", edits(byTheThief, thumbprint("k1", "k1")),
			devices.Allow, spares, nil},
		{"without the key nothing passes, and the grant lives", edits(bound(devices.BindingDPoP), thumbprint("k1", "")),
			devices.Refuse, spares, because(devices.ReasonKeyMissing)},
		{"another key does not pass, and the grant lives", edits(bound(devices.BindingDPoP), thumbprint("k1", "k2")),
			devices.Refuse, spares, because(devices.ReasonKeyMismatch)},
		{"a bound key is asked for under any binding", edits(thumbprint("k1", "")),
			devices.Refuse, spares, because(devices.ReasonKeyMissing)},
		{"a client that must have a key and was bound to none does not pass", edits(bound(devices.BindingDPoP)),
			devices.Refuse, spares, because(devices.ReasonKeyMissing)},
		{"the thief with the token but not the key leaves the grant alone",
			edits(bound(devices.BindingDPoP), thumbprint("k1", "k2"), held(devices.Reused), byTheThief, thumbprint("k1", "")),
			devices.Refuse, spares, because(devices.ReasonKeyMissing)},

		{"a sign-in that looks like the device is allowed", edits(signIn), devices.Allow, spares, nil},
		{"a sign-in with another system and browser is refused", edits(signIn, showing("os", "Linux", "browser", "Firefox")),
			devices.Refuse, spares, because(devices.ReasonOSChanged, devices.ReasonBrowserChanged)},
	})
}

func TestJudgeLineage(t *testing.T) {
	checkAll(t, devices.DefaultPolicy(), []sentence{
		{"the same request again is answered", edits(held(devices.Retried)), devices.Allow, spares, nil},
		{"again from another network is told", edits(held(devices.Retried), fromElsewhere), devices.Flag, spares,
			because(devices.ReasonNewNetwork)},
		{"again with other looks is theft", edits(held(devices.Retried), showing("os", "Linux")), devices.Refuse, revokes,
			because(devices.ReasonOSChanged, devices.ReasonReuse)},
		{"a lost response is forgiven and told", edits(held(devices.ResponseLost)), devices.Flag, spares,
			because(devices.ReasonResponseLost)},
		{"a lost response with other looks is theft", edits(held(devices.ResponseLost), showing("browser", "Firefox")),
			devices.Refuse, revokes, because(devices.ReasonBrowserChanged, devices.ReasonReuse)},
		{"reuse is theft, whatever it looks like", edits(held(devices.Reused)), devices.Refuse, revokes,
			because(devices.ReasonReuse)},
		{"reuse by a backend is theft too", edits(held(devices.Reused), bound(devices.BindingDeviceStatus)),
			devices.Refuse, revokes, because(devices.ReasonReuse)},
		{"reuse with the key in hand is theft too",
			edits(held(devices.Reused), bound(devices.BindingDPoP), thumbprint("k1", "k1")),
			devices.Refuse, revokes, because(devices.ReasonReuse)},
		{"where generations are not seen nothing is reused", edits(held(devices.Untold)), devices.Allow, spares, nil},
	})
	if (devices.Lineage(0)) != devices.Reused {
		t.Error("a forgotten lineage is not the worst one")
	}
}

func comesFrom(addr string) func(*devices.Case) {
	return func(c *devices.Case) { c.Sighting.Network.Addr = netip.MustParseAddr(addr) }
}

func lastSeen(addr string) func(*devices.Case) {
	return func(c *devices.Case) { c.Device.Last.Addr = netip.MustParseAddr(addr) }
}

// Where a retry comes from is told, and never more than that.
func TestJudgeWhereARetryComesFrom(t *testing.T) {
	retried, elsewhere := held(devices.Retried), because(devices.ReasonNewNetwork)
	language := showing("language", "de")
	checkAll(t, devices.DefaultPolicy(), []sentence{
		{"another address of the same network", edits(retried, comesFrom("203.0.113.99")), devices.Allow, spares, nil},
		{"the other family may be the same line", edits(retried, comesFrom("2001:db8:7::1")), devices.Allow, spares, elsewhere},
		{"another network of that family too", edits(retried, lastSeen("2001:db8:7::1"), comesFrom("2001:db8:9::1")),
			devices.Flag, spares, elsewhere},
		{"the same network of that family", edits(retried, lastSeen("2001:db8:7::1"), comesFrom("2001:db8:7:9::1")),
			devices.Allow, spares, nil},
		{"an address that nobody knows", edits(retried, func(c *devices.Case) { c.Sighting.Network.Addr = netip.Addr{} }),
			devices.Allow, spares, nil},
		{"a device that was seen too long ago", edits(retried, fromElsewhere, func(c *devices.Case) { c.Device.Last.Addr = netip.Addr{} }),
			devices.Allow, spares, nil},
		{"no device", edits(retried, fromElsewhere, noDevice), devices.Allow, spares, nil},
		{"a backend", edits(retried, fromElsewhere, bound(devices.BindingDeviceStatus)), devices.Allow, spares, nil},
		{"the key in hand", edits(retried, fromElsewhere, thumbprint("k1", "k1")), devices.Allow, spares, nil},
		{"with another language", edits(retried, fromElsewhere, language), devices.Flag, spares,
			because(devices.ReasonEvidenceMismatch, devices.ReasonNewNetwork)},
		{"the token in force", edits(fromElsewhere), devices.Allow, spares, nil},
		{"a lost response is told as such", edits(held(devices.ResponseLost), fromElsewhere), devices.Flag, spares,
			because(devices.ReasonResponseLost)},
	})
	heavy := devices.DefaultPolicy()
	heavy.Weights.NewNetwork, heavy.Weights.LanguageChanged = 1000, heavy.FlagAt-1
	checkAll(t, heavy, []sentence{
		{"however much it weighs", edits(retried, fromElsewhere), devices.Flag, spares, elsewhere},
		{"or is added to", edits(retried, fromElsewhere, language), devices.Flag, spares,
			because(devices.ReasonEvidenceMismatch, devices.ReasonNewNetwork)},
	})
	watching := devices.DefaultPolicy()
	watching.Mode, watching.Weights.OSChanged = devices.ModeObserve, watching.RefuseAt
	v := watching.Judge(refresh(retried, fromElsewhere, showing("os", "Linux")))
	if v.Would != devices.StepUp {
		t.Errorf("another system alone, from elsewhere, would %s, want step_up", v.Would)
	}
}

func TestJudgeModes(t *testing.T) {
	twoChanges := because(devices.ReasonOSChanged, devices.ReasonBrowserChanged)
	for _, row := range []struct {
		mode          devices.Mode
		change, older devices.Decision
	}{
		{devices.ModeObserve, devices.Allow, devices.Allow},
		{devices.ModeFlag, devices.Flag, devices.Flag},
		{devices.ModeEnforce, devices.Refuse, devices.Flag},
	} {
		p := devices.DefaultPolicy()
		p.Mode = row.mode
		t.Run(string(row.mode), func(t *testing.T) {
			checkAll(t, p, []sentence{
				{"another system and browser", edits(showing("os", "Linux", "browser", "Firefox")),
					row.change, row.mode == devices.ModeEnforce, twoChanges},
				{"an older browser", edits(showing("browser_version", "141")), row.older, spares,
					because(devices.ReasonDowngrade)},
				{"as ever", nil, devices.Allow, spares, nil},
				// What follows are facts. No mode softens them.
				{"a revoked device", edits(deviceRevoked), devices.Refuse, spares, because(devices.ReasonDeviceRevoked)},
				{"a revoked device at sign-in", edits(deviceRevoked, signIn), devices.Refuse, spares,
					because(devices.ReasonDeviceRevoked)},
				{"a revoked grant", edits(grantRevoked), devices.Refuse, spares, because(devices.ReasonGrantRevoked)},
				{"an expired grant", edits(grantExpired), devices.Refuse, spares, because(devices.ReasonExpired)},
				{"an idle grant", edits(grantIdle), devices.Refuse, spares, because(devices.ReasonExpired)},
				{"a disabled subject", edits(subjectDisabled), devices.Refuse, spares, because(devices.ReasonSubjectDisabled)},
				{"a missing key", edits(thumbprint("k1", "")), devices.Refuse, spares, because(devices.ReasonKeyMissing)},
				{"reuse", edits(held(devices.Reused)), devices.Refuse, revokes, because(devices.ReasonReuse)},
				{"a revoked device within the grace", edits(held(devices.Retried), deviceRevoked), devices.Refuse, spares,
					because(devices.ReasonDeviceRevoked)},
				{"a revoked device of a backend", edits(bound(devices.BindingDeviceStatus), deviceRevoked),
					devices.Refuse, spares, because(devices.ReasonDeviceRevoked)},
			})
			v := p.Judge(refresh(showing("os", "Linux", "browser", "Firefox")))
			if v.Would != devices.Refuse {
				t.Errorf("enforcing would %s, want refuse", v.Would)
			}
		})
	}
}

func TestNoSingleLookIsProof(t *testing.T) {
	p := devices.DefaultPolicy()
	p.Weights.OSChanged = p.RefuseAt + 5
	v := p.Judge(refresh(showing("os", "Linux")))
	if v.Decision != devices.StepUp || v.RevokeGrant {
		t.Errorf("one change that weighs %d dB: %s, revokes %t", v.Weight, v.Decision, v.RevokeGrant)
	}
	p.Weights.LanguageChanged = 0
	if v := p.Judge(refresh(showing("os", "Linux", "language", "de"))); v.Decision != devices.Refuse {
		t.Errorf("two changes that weigh %d dB: %s", v.Weight, v.Decision)
	}
}

func TestTheZeroVerdictRefuses(t *testing.T) {
	var v devices.Verdict
	if !errors.Is(v.Err(), devices.ErrRefused) || v.Decision != devices.Refuse {
		t.Errorf("the zero verdict is %s: %v", v.Decision, v.Err())
	}
	if err := (devices.Verdict{Decision: 99}).Err(); !errors.Is(err, devices.ErrRefused) {
		t.Errorf("an unheard-of decision gave %v", err)
	}
	if (devices.Decision(0)) != devices.Refuse {
		t.Error("a forgotten decision does not refuse")
	}
}

func TestEvidenceExplains(t *testing.T) {
	v := devices.DefaultPolicy().Judge(refresh(showing("os", "Linux")))
	want := devices.Evidence{Reason: devices.ReasonOSChanged, Before: "Windows", After: "Linux", Weight: 25}
	if len(v.Evidence) != 1 || v.Evidence[0] != want || v.Weight != 25 {
		t.Errorf("got %+v weighing %d, want %+v", v.Evidence, v.Weight, want)
	}
	all := devices.DefaultPolicy().Judge(refresh(byTheThief, showing("class", "phone", "language", "fr", "contradiction", "x")))
	if all.Weight != devices.DefaultPolicy().SoftwareCap {
		t.Errorf("everything changed weighs %d, want the cap of %d", all.Weight, devices.DefaultPolicy().SoftwareCap)
	}
}
