package devices_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// turn is one thing that can speak against a sighting of Ada's laptop.
type turn struct {
	name string
	edit func(*devices.Case)
}

func turns(t *rapid.T) []turn {
	system := rapid.SampledFrom([]string{"Linux", "macOS", "Android", "iOS"}).Draw(t, "system")
	class := rapid.SampledFrom([]string{"phone", "tablet", "desktop", "tv"}).Draw(t, "class")
	return []turn{
		{"system " + system, showing("os", system)},
		{"another browser", showing("browser", "Firefox")},
		{"no browser", showing("browser", "")},
		{"an older browser", showing("browser_version", "100")},
		{"an older system", showing("os_version", "7")},
		{"class " + class, showing("class", class)},
		{"another model", showing("model", "Pixel 8")},
		{"a contradiction", showing("contradiction", "x")},
		{"another language", showing("language", "de")},
		{"another's cookie", cookies(devicestest.Phone("ada").CookieHash)},
		{"no key", thumbprint("k1", "")},
		{"another key", thumbprint("k1", "k2")},
		{"a revoked device", deviceRevoked},
		{"a revoked grant", grantRevoked},
		{"an expired grant", grantExpired},
		{"a disabled subject", subjectDisabled},
		{"reuse", held(devices.Reused)},
	}
}

// drawn returns a policy, and one of Ada's devices coming back as it was.
func drawn(t *rapid.T) (devices.Policy, []func(*devices.Case)) {
	p := devices.DefaultPolicy()
	p.Mode = rapid.SampledFrom([]devices.Mode{devices.ModeObserve, devices.ModeFlag, devices.ModeEnforce}).Draw(t, "mode")
	known := rapid.SampledFrom([]func(string, ...func(*devices.Device)) devices.Device{
		devicestest.Laptop, devicestest.Phone, devicestest.Tablet,
	}).Draw(t, "device")
	binding := rapid.SampledFrom([]devices.Binding{
		devices.BindingObserved, devices.BindingForwarded, devices.BindingDeviceStatus,
	}).Draw(t, "binding")
	lineage := rapid.SampledFrom([]devices.Lineage{
		devices.Current, devices.Retried, devices.ResponseLost, devices.Untold,
	}).Draw(t, "lineage")
	return p, edits(func(c *devices.Case) {
		d := known("ada")
		g := devicestest.GrantOn(d)
		c.Device, c.Grant, c.Sighting = &d, &g, devicestest.Returns(d)
	}, bound(binding), held(lineage))
}

func TestAddingEvidenceNeverMakesAVerdictMilder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, base := drawn(t)
		all := rapid.Permutation(turns(t)).Draw(t, "turns")
		n := rapid.IntRange(0, 5).Draw(t, "how many")
		milder := p.Judge(refresh(with(base, all[:n])...))
		harder := p.Judge(refresh(with(base, all[:n+1])...))
		if harder.Decision > milder.Decision || harder.Would > milder.Would {
			t.Fatalf("%v: %s, would %s\nand %q as well: %s, would %s", names(all[:n]),
				milder.Decision, milder.Would, all[n].name, harder.Decision, harder.Would)
		}
	})
}

func TestJudgeIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, base := drawn(t)
		all := rapid.Permutation(turns(t)).Draw(t, "turns")
		c := refresh(with(base, all[:rapid.IntRange(0, len(all)).Draw(t, "how many")])...)
		before, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		first := p.Judge(c)
		for range 3 {
			if again := p.Judge(c); !reflect.DeepEqual(first, again) {
				t.Fatalf("the same case gave %+v and %+v", first, again)
			}
		}
		if after, _ := json.Marshal(c); !bytes.Equal(before, after) {
			t.Fatal("judging changed the case")
		}
		if first.Decision == devices.Refuse && len(first.Evidence) == 0 {
			t.Fatal("refused without a reason")
		}
	})
}

func with(base []func(*devices.Case), ts []turn) []func(*devices.Case) {
	all := append([]func(*devices.Case){}, base...)
	for _, one := range ts {
		all = append(all, one.edit)
	}
	return all
}

func names(ts []turn) []string {
	var all []string
	for _, one := range ts {
		all = append(all, one.name)
	}
	return all
}
