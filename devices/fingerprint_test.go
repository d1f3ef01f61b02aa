package devices_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

func TestCompareVersions(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"126", "126", 0}, {"126", "127", -1}, {"127", "126", +1}, {"9", "10", -1}, {"17.5", "17.10", -1},
		{"126", "126.0.1", 0}, {"10.15.7", "11", -1}, {"", "126", 0}, {"", "", 0}, {"XP", "7", 0},
		{"1.x.3", "1.y.2", 0}, {"1.2.x", "1.1.x", +1}, {"99999999999999999999", "1", 0},
	} {
		if got := devices.CompareVersions(row.a, row.b); got != row.want {
			t.Errorf("%q against %q is %d, want %d", row.a, row.b, got, row.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.StringMatching(`[0-9]{1,3}(\.[0-9]{1,3}){0,3}`)
		a, b := version.Draw(t, "a"), version.Draw(t, "b")
		if devices.CompareVersions(a, b) != -devices.CompareVersions(b, a) {
			t.Fatalf("%s and %s do not compare alike both ways", a, b)
		}
	})
}

func TestMergeRemembersWhatCouldNotBeSeen(t *testing.T) {
	known := devices.Fingerprint{"os": "Windows", "os_version": "11", "model": "", "browser_version": "142"}
	seen := devices.Fingerprint{"os": "Windows", "model": "X1", "browser_version": "143", "language": ""}
	got := known.Merge(seen)
	want := devices.Fingerprint{
		"os": "Windows", "os_version": "11", "model": "X1", "browser_version": "143", "language": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if got := (devices.Fingerprint{"model": "X1"}).Merge(devices.Fingerprint{"model": ""}); got["model"] != "X1" {
		t.Error("a value was forgotten because it did not show once")
	}
	got["os"] = "scribbled"
	if known["os"] != "Windows" || seen["os"] != "Windows" {
		t.Error("merging changed its inputs")
	}
	if got := devices.Fingerprint(nil).Merge(nil); got == nil || len(got) != 0 {
		t.Errorf("nothing merged with nothing is %v", got)
	}
}

func TestEqual(t *testing.T) {
	f := devices.Fingerprint{"os": "Windows", "model": ""}
	for name, row := range map[string]struct {
		other devices.Fingerprint
		want  bool
	}{
		"itself":         {f, true},
		"another value":  {devices.Fingerprint{"os": "Linux", "model": ""}, false},
		"not looked at":  {devices.Fingerprint{"os": "Windows"}, false},
		"another signal": {devices.Fingerprint{"os": "Windows", "brand": ""}, false},
	} {
		if f.Equal(row.other) != row.want || row.other.Equal(f) != row.want {
			t.Errorf("%s: want %t", name, row.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, f := range map[string]devices.Fingerprint{
		"Chrome on Windows": {"browser": "Chrome", "os": "Windows"},
		"Safari on iPhone":  {"browser": "Safari", "os": "iOS", "model": "iPhone"},
		"okhttp":            {"browser": "okhttp"},
		"Android":           {"os": "Android"},
		"Unknown device":    {},
	} {
		if got := f.Describe(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	named := devicestest.Laptop("ada", func(d *devices.Device) { d.Name = "Work" })
	if named.Label() != "Work" || devicestest.Laptop("ada").Label() != "Chrome on Windows" {
		t.Error("the owner's name does not come first")
	}
}

func TestPrefixIsAboutOneLine(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24",
		"2001:db8:1:2::3": "2001:db8:1::/48",
	} {
		if got := (devices.Network{Addr: netip.MustParseAddr(addr)}).Prefix().String(); got != want {
			t.Errorf("%s is in %s, want %s", addr, got, want)
		}
	}
	if (devices.Network{}).Prefix().IsValid() {
		t.Error("no address has a prefix")
	}
}

func TestNobodyHoldsAnAbsentCookie(t *testing.T) {
	if (devices.Proof{CookieHashes: [][]byte{nil, {}}}).HasCookie(nil) {
		t.Error("a device without a cookie was recognised by it")
	}
}

func TestLineage(t *testing.T) {
	at := devicestest.Start()
	g := devices.Grant{Generation: 7, Parent: 5, RotatedAt: at} // 6 was burnt
	fresh := devices.Grant{Generation: 1, Parent: 0, RotatedAt: at}
	const grace = 10 * time.Second
	for _, row := range []struct {
		name  string
		grant devices.Grant
		p     int64
		after time.Duration
		grace time.Duration
		want  devices.Lineage
	}{
		{"the token in force", g, 7, time.Hour, grace, devices.Current},
		{"in force, strictly", g, 7, time.Hour, 0, devices.Current},
		{"its parent at once", g, 5, 0, grace, devices.Retried},
		{"its parent at the end of the grace", g, 5, grace, grace, devices.Retried},
		{"its parent by a clock that is behind", g, 5, -time.Second, grace, devices.Retried},
		{"its parent after the grace", g, 5, grace + 1, grace, devices.ResponseLost},
		{"its parent, strictly", g, 5, 0, 0, devices.Reused},
		{"its parent much later, strictly", g, 5, time.Hour, 0, devices.Reused},
		{"a burnt successor", g, 6, 0, grace, devices.Reused},
		{"a grandparent", g, 4, 0, grace, devices.Reused},
		{"one that was never issued", g, 8, 0, grace, devices.Reused},
		{"a negative one", g, -1, 0, grace, devices.Reused},
		{"generation zero of a fresh grant", fresh, 0, 0, grace, devices.Reused},
		{"the first token", fresh, 1, 0, grace, devices.Current},
	} {
		if got := row.grant.Lineage(row.p, at.Add(row.after), row.grace); got != row.want {
			t.Errorf("%s: got %d, want %d", row.name, got, row.want)
		}
	}
}

func TestAGrantEnds(t *testing.T) {
	now := devicestest.Start()
	live := devices.Grant{NotAfter: now.Add(time.Second), IdleUntil: now.Add(time.Second)}
	if !live.Live(now) || live.Live(now.Add(time.Second)) {
		t.Error("a grant lives until its end, not at it")
	}
	if !(devices.Grant{}).Live(now) {
		t.Error("a grant without an end has ended")
	}
	if (devices.Grant{RevokedAt: now}).Live(now) {
		t.Error("a revoked grant lives")
	}
}
