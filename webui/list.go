package webui

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Frame is what surrounds a page for who is signed in.
type Frame struct {
	In    bool   // somebody is; without it a page has no frame
	Base  string // the path under which browsers see this server
	Owner string // what they are called; may be empty
	// Leaves reports that an operator can sign out; owners always can.
	Leaves bool
	// Form binds the page's forms to the sign-in that it is rendered for. Each
	// form has it, by the partial "bound".
	Form   string
	Notice string // why the page is shown again, if it is
}

func (u *UI) frame(v *visit) Frame {
	return Frame{In: true, Base: u.base, Owner: v.session.Name, Form: u.bind(v.session), Notice: v.notice}
}

// card is a device as a list shows it.
type card struct {
	ID, Name, Looks, Where string
	Named                  bool // by the owner; the looks are told anyway
	Kind                   devices.Class
	KindWord               string
	Seen                   Stamp
	Current, Flagged       bool
	Ended                  bool
	EndedAt                Stamp
	Why                    string // it was flagged or ended
	Alike                  bool   // another device in use is called the same
	First                  Stamp  // seen
	Naming                 string // where it gets a name; empty where it cannot
	Clients                []string
	More                   int // clients beyond those
}

// listPage is the data of the page "devices".
type listPage struct {
	Frame
	Live, Flagged, Ended int
	ShowEnded            bool // the page is of ended devices
	Cards                []card
	CanEndOthers         bool
	Powerless            string // what to do where others cannot be ended from here
	Password             bool   // a new password can be had here
	Page, Pages          int
	Before, After        int // the pages around; 0: none
}

// perPage is how many devices a page of the list has. It keeps a page under
// 50 kB whatever the owner has.
const perPage = 20

// list is GET /devices. The device at hand comes first, flagged ones next, the
// others by their last use.
func (u *UI) list(w http.ResponseWriter, r *http.Request, v *visit) error {
	holders, err := u.Holdings.Holders(r.Context(), v.session.Subject, v.now)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	page := listPage{
		Frame: u.frame(v), ShowEnded: query.Get("ended") != "", CanEndOthers: v.me.CanDeleteOthers,
	}
	var shown []devices.Device
	for _, d := range v.all {
		switch {
		case !d.Live():
			page.Ended++
		case d.State == devices.StateFlagged:
			page.Flagged++
			fallthrough
		default:
			page.Live++
		}
		if d.Live() != page.ShowEnded {
			shown = append(shown, d)
		}
	}
	if !page.CanEndOthers && page.Live > 1 && !page.ShowEnded {
		page.Powerless, page.Password = u.powerless(v.Locale), u.Passwords != nil
	}
	slices.SortStableFunc(shown, func(a, b devices.Device) int { return v.order(a, b) })
	page.turn(query.Get("page"), len(shown))
	from := (page.Page - 1) * perPage
	for _, d := range shown[from:min(from+perPage, len(shown))] {
		page.Cards = append(page.Cards, u.card(v, d, holders))
	}
	u.Pages.Render(w, r, http.StatusOK, "devices", page)
	return nil
}

// order puts the device at hand first, then flagged ones, then by last use.
func (v *visit) order(a, b devices.Device) int {
	rank := func(d devices.Device) int {
		switch {
		case d.ID == v.me.ID:
			return 0
		case d.State == devices.StateFlagged:
			return 1
		default:
			return 2
		}
	}
	last := func(d devices.Device) int64 {
		if d.Live() {
			return d.LastSeen.UnixMicro()
		}
		return d.RevokedAt.UnixMicro()
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(last(b), last(a)))
}

// turn goes to a page of the list, as far as there is one.
func (p *listPage) turn(asked string, rows int) {
	p.Pages = max(1, (rows+perPage-1)/perPage)
	number, _ := strconv.Atoi(asked) // what is no number is the first page
	p.Page = min(max(1, number), p.Pages)
	p.Before = p.Page - 1
	if p.Page < p.Pages {
		p.After = p.Page + 1
	}
}

// Turn returns the address of another page of the same list.
func (p listPage) Turn(to int) *url.URL {
	ended := ""
	if p.ShowEnded {
		ended = "1"
	}
	return link("/devices", "page", strconv.Itoa(to), "ended", ended)
}

// alike reports whether the owner uses another device of the same name and
// looks, as with two phones of one model.
func (v *visit) alike(d devices.Device) bool {
	label := v.Label(d)
	return d.Live() && slices.ContainsFunc(v.all, func(other devices.Device) bool {
		return other.ID != d.ID && other.Live() && other.Name == d.Name && v.Label(other) == label
	})
}

// most is how many clients a card names.
const most = 4

func (u *UI) card(v *visit, d devices.Device, holders []records.Holder) card {
	c := card{
		ID: d.ID, Name: Cut(v.Label(d), 80), Named: d.Name != "", Looks: v.Looks(d.Fingerprint),
		Where: v.where(d.Last), Kind: kind(d.Fingerprint),
		Seen: v.Stamp(d.LastSeen, v.now), Current: d.ID == v.me.ID, Flagged: d.State == devices.StateFlagged,
		Ended: !d.Live(),
	}
	c.KindWord = v.kindWord(c.Kind)
	if c.Alike = v.alike(d); c.Alike {
		c.First = v.Stamp(d.CreatedAt, v.now)
		if c.Current || v.me.CanUpdateOthers {
			c.Naming = u.base + "/devices/" + d.ID + "#naming"
		}
	}
	switch {
	case c.Ended:
		c.EndedAt, c.Why = v.Stamp(d.RevokedAt, v.now), v.why(d.RevokedReason)
	case c.Flagged:
		c.Why = v.why(d.FlaggedReason)
	}
	for _, h := range holders {
		if h.DeviceID != d.ID || h.ClientID == u.Client.ID {
			continue
		}
		if len(c.Clients) == most {
			c.More++
			continue
		}
		c.Clients = append(c.Clients, Cut(cmp.Or(h.ClientName, h.ClientID), 40))
	}
	return c
}
