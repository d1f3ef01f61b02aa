package operator_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// TestAnOperatorDisablesAnAccount follows the links from a device and submits the
// forms: the subject may not sign in, its devices stay, and it may again.
func TestAnOperatorDisablesAnAccount(t *testing.T) {
	h, c, at := crawled(t)
	enroll := func() error {
		s := devicestest.Sees(devicestest.PhoneHeaders(), "192.0.2.9")
		s.At = h.clock.Now()
		_, err := h.registry.Enroll(t.Context(), "eve & co=1", s)
		return err
	}
	before := h.live("eve & co=1")
	device := c.Get(at + "/devices/" + h.devices("eve & co=1")[0].ID)
	press := func(says string) {
		t.Helper()
		page := c.Get(labelled(t, device, "Account"))
		if !strings.Contains(page.Text, says) {
			t.Errorf("no %q in %s", says, page.Text)
		}
		for _, f := range page.Forms {
			if f.Action.Path == "/pages/subject" {
				c.Submit(f)
			}
		}
	}
	press("Disable account")
	if err := enroll(); !errors.Is(err, devices.ErrDisabled) || h.live("eve & co=1") != before {
		t.Errorf("enrolling while disabled: %v; %d devices are live", err, h.live("eve & co=1"))
	}
	press("Nobody can sign in")
	if err := enroll(); err != nil {
		t.Errorf("enrolling while enabled: %v", err)
	}
}

// TestAnOperatorPermits: the boxes are the device's permissions.
func TestAnOperatorPermits(t *testing.T) {
	h, c, at := crawled(t)
	id := h.devices("ada")[0].ID
	permit := func(values url.Values) devices.Device {
		t.Helper()
		page := c.Get(at + "/devices/" + id)
		for _, f := range page.Forms {
			if strings.HasSuffix(f.Action.Path, "/permissions") {
				values["form"] = f.Values["form"]
				f.Values = values
				c.Submit(f)
			}
		}
		return h.devices("ada")[0]
	}
	if d := permit(url.Values{"update": {"1"}, "delete": {"1"}}); !d.CanUpdateOthers || !d.CanDeleteOthers {
		t.Errorf("both: %v %v", d.CanUpdateOthers, d.CanDeleteOthers)
	}
	if page := c.Get(at + "/devices/" + id); strings.Count(page.Text, " checked") != 2 {
		t.Errorf("the boxes do not show the permissions: %s", page.Text)
	}
	if d := permit(url.Values{"update": {"1"}}); !d.CanUpdateOthers || d.CanDeleteOthers {
		t.Errorf("one: %v %v", d.CanUpdateOthers, d.CanDeleteOthers)
	}
}

// TestSubjectFormsAreRefused: another site's, of nobody, and nonsense.
func TestSubjectFormsAreRefused(t *testing.T) {
	h := newHouse(t)
	h.fill("ada", 1)
	door, cross := h.door(), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	off := url.Values{"subject": {"ada"}, "disabled": {"yes"}}
	device := "/pages/devices/" + h.devices("ada")[0].ID + "/permissions"
	bound := fields(body(t, ask(door, "GET", "/pages/subject?subject=ada", nil)))
	for name, row := range map[string]struct {
		path string
		form url.Values
		edit func(*http.Request)
		want int
	}{
		"another site":               {"/pages/subject", off, cross, 403},
		"nobody":                     {"/pages/subject", url.Values{"subject": {"mallory"}, "disabled": {"yes"}}, nil, 404},
		"nothing said":               {"/pages/subject", url.Values{"subject": {"ada"}}, nil, 422},
		"permits elsewhere":          {device, url.Values{"update": {"1"}}, cross, 403},
		"an unknown device was used": {"/pages/devices/made-up/permissions", url.Values{"update": {"1"}}, nil, 404},
	} {
		row.form["form"] = bound["form"]
		edits := []func(*http.Request){}
		if row.edit != nil {
			edits = append(edits, row.edit)
		}
		if a := ask(door, "POST", row.path, row.form, edits...); a.StatusCode != row.want {
			t.Errorf("%s: status %d, want %d", name, a.StatusCode, row.want)
		}
	}
	found, err := h.store.FindSubjects(t.Context(), "ada")
	if err != nil || len(found) != 1 || found[0].Disabled || h.devices("ada")[0].CanUpdateOthers {
		t.Errorf("something changed: %+v, %v", found, err)
	}
	if a := ask(door, "GET", "/pages/subject?subject=mallory", nil); a.StatusCode != 404 {
		t.Errorf("the page of nobody: %d", a.StatusCode)
	}
}
