package cmd

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
)

type devicesCmd struct {
	List         devicesList         `cmd:"" help:"List devices, newest first."`
	Show         devicesShow         `cmd:"" help:"Print a device and how it was judged lately."`
	Revoke       devicesRevoke       `cmd:"" help:"End devices, with all their grants and sessions."`
	RevokeOthers devicesRevokeOthers `cmd:"" help:"Sign out every other device of a device's subject."`
	Rename       devicesRename       `cmd:"" help:"Name a device."`
	Permit       devicesPermit       `cmd:"" help:"Let a device change and sign out the subject's other devices, or no more."`
}

type devicesList struct {
	adminFlags
	Subject string `help:"Only this subject's, by sub or by what they type to sign in."`
	IP      string `name:"ip" help:"Only those seen at this address or in this network."`
	ASN     uint32 `name:"asn" help:"Only those of this autonomous system."`
	OS      string `name:"os" help:"Only those of this family, such as Windows."`
	State   state  `placeholder:"STATE" help:"Only active, flagged or revoked ones."`
	Limit   count  `default:"100" help:"At most so many."`
}

// state is the state of a device.
type state string

// Validate is called by the parser.
func (s state) Validate() error {
	return oneOf(string(s), string(devices.StateActive), string(devices.StateFlagged), string(devices.StateRevoked))
}

// count is how many to print.
type count int

// Validate is called by the parser.
func (n count) Validate() error {
	if n < 1 {
		return fmt.Errorf("%d is none; at least 1", n)
	}
	return nil
}

// Run prints the devices that fit.
func (c *devicesList) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		if err := a.only(client, &c.Subject); err != nil {
			return err
		}
		query := filter(map[string]string{"subject": c.Subject, "ip": c.IP, "os": c.OS, "state": string(c.State)})
		if c.ASN != 0 {
			query.Set("asn", strconv.FormatUint(uint64(c.ASN), 10))
		}
		found, err := parts(c.Limit, query, func(query url.Values) ([]api.AdminDevice, string, error) {
			var part api.AdminDevices
			err := client.call(a.ctx, http.MethodGet, "/admin/devices", query, nil, &part)
			return part.Devices, part.Next, err
		})
		if err != nil {
			return err
		}
		rows := make([]row, len(found))
		for i, d := range found {
			rows[i] = row{d.ID, d.Subject, d.Label, d.State, d.Tier, orDash(d.LastIP), stamp(d.LastSeen)}
		}
		return a.print(found, row{"DEVICE", "SUBJECT", "NAME", "STATE", "TIER", "ADDRESS", "LAST SEEN"}, rows...)
	})
}

// filter returns a query of the values that are set.
func filter(values map[string]string) url.Values {
	query := url.Values{}
	for name, value := range values {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// maxPart is the most that the admin API returns at once.
const maxPart = 200

// parts reads a list part by part, up to most.
func parts[T any](most count, query url.Values, read func(url.Values) ([]T, string, error)) ([]T, error) {
	all, limit := []T{}, int(most)
	for len(all) < limit {
		query.Set("limit", strconv.Itoa(min(limit-len(all), maxPart)))
		part, next, err := read(query)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		if next == "" {
			break
		}
		query.Set("cursor", next)
	}
	return all, nil
}

type devicesShow struct {
	adminFlags
	ID string `arg:"" help:"The device's id."`
}

// shown is a device with its latest judgments.
type shown struct {
	api.AdminDevice
	History []api.Judgment `json:"history"`
}

// Run prints a device and its latest judgments.
func (c *devicesShow) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		path := "/admin/devices/" + url.PathEscape(c.ID)
		var d shown
		if err := client.call(a.ctx, http.MethodGet, path, nil, nil, &d.AdminDevice); err != nil {
			return err
		}
		var history api.History
		if err := client.call(a.ctx, http.MethodGet, path+"/history", url.Values{"limit": {"10"}}, nil, &history); err != nil {
			return err
		}
		d.History = history.Judgments
		return a.print(d, nil, describe(d)...)
	})
}

func describe(d shown) []row {
	rows := []row{
		{"id", d.ID}, {"subject", d.Subject}, {"name", d.Label},
		{"state", strings.TrimSpace(d.State + " " + firstOf(d.RevokedReason, d.FlaggedReason))},
		{"tier", d.Tier},
		{"looks", strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s on %s %s",
			d.Brand, d.Model, d.Browser.Family, d.Browser.Version, d.OS.Family, d.OS.Version)), " ")},
		{"address", orDash(d.IP) + ", last " + orDash(d.LastIP)},
		{"enrolled", stamp(d.CreatedAt) + " by " + d.Entrance},
		{"last seen", stamp(d.LastSeen)},
		{"may change others", strconv.FormatBool(d.CanUpdateOthers)},
		{"may end others", strconv.FormatBool(d.CanDeleteOthers)},
	}
	for _, j := range d.History {
		rows = append(rows, row{"judged " + stamp(j.At), strings.TrimSpace(j.Decision + " " + strings.Join(j.Reasons, " "))})
	}
	return rows
}

type devicesRevoke struct {
	adminFlags
	IDs     []string `arg:"" optional:"" name:"id" help:"The devices' ids."`
	Subject string   `help:"Instead: every device, grant and session of this subject, by sub or by what they type to sign in."`
}

// Run ends the devices in turn and stops at the first that is not there.
func (c *devicesRevoke) Run(a *app) error {
	if (len(c.IDs) == 0) == (c.Subject == "") {
		return usagef("name devices by their ids, or a subject with --subject")
	}
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		if c.Subject != "" {
			return a.endSubject(client, c.Subject)
		}
		return a.endEach(client, "/admin/devices/", c.IDs)
	})
}

// endSubject ends everything of whom a flag names. Who is not known here is an
// error: it would be taken for done.
func (a *app) endSubject(client *adminClient, name string) error {
	sub, err := client.subject(a.ctx, name)
	switch {
	case err != nil:
		return err
	case sub == "":
		return fmt.Errorf("nobody is known here by the subject or identifier %q; nothing was ended "+
			"(try: lanyard users list, or lanyard devices list)", name)
	}
	var ended api.Revoked
	path := "/admin/subjects/" + url.PathEscape(sub) + "/revoke-all"
	if err := client.call(a.ctx, http.MethodPost, path, nil, nil, &ended); err != nil {
		return err
	}
	return a.say(ended, "revoked %d devices of %s", ended.Revoked, sub)
}

// endEach deletes what is at the path by each id.
func (a *app) endEach(client *adminClient, path string, ids []string) error {
	for _, id := range ids {
		if err := client.call(a.ctx, http.MethodDelete, path+url.PathEscape(id), nil, nil, nil); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return a.say(map[string][]string{"revoked": ids}, "revoked %s", strings.Join(ids, ", "))
}

type devicesRename struct {
	adminFlags
	ID   string `arg:"" help:"The device's id."`
	Name string `arg:"" help:"What to call it; empty clears the name."`
}

// Run names the device.
func (c *devicesRename) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		var d api.AdminDevice
		path := "/admin/devices/" + url.PathEscape(c.ID)
		if err := client.call(a.ctx, http.MethodPatch, path, nil, map[string]string{"name": c.Name}, &d); err != nil {
			return err
		}
		return a.say(d, "%s is now called %q", d.ID, d.Label)
	})
}

type devicesRevokeOthers struct {
	adminFlags
	ID string `arg:"" help:"The id of the device that stays signed in."`
}

// Run ends the other devices of the device's subject.
func (c *devicesRevokeOthers) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		var ended api.Revoked
		path := "/admin/devices/" + url.PathEscape(c.ID) + "/revoke-others"
		if err := client.call(a.ctx, http.MethodPost, path, nil, nil, &ended); err != nil {
			return err
		}
		return a.say(ended, "revoked %d devices; %s stays", ended.Revoked, c.ID)
	})
}

type devicesPermit struct {
	adminFlags
	ID      string `arg:"" help:"The device's id."`
	Change  *bool  `negatable:"" help:"Whether it may change the others (default, without both flags: yes)."`
	SignOut *bool  `negatable:"" help:"Whether it may sign out the others (default, without both flags: yes)."`
}

// Run gives and takes the permissions that are named; both are given if none is.
func (c *devicesPermit) Run(a *app) error {
	if c.Change == nil && c.SignOut == nil {
		yes := true
		c.Change, c.SignOut = &yes, &yes
	}
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		var d api.AdminDevice
		sent := api.OperatorEdit{CanUpdateOthers: c.Change, CanDeleteOthers: c.SignOut}
		path := "/admin/devices/" + url.PathEscape(c.ID)
		if err := client.call(a.ctx, http.MethodPatch, path, nil, sent, &d); err != nil {
			return err
		}
		return a.say(d, "%s may change others: %t, sign out others: %t", d.ID, d.CanUpdateOthers, d.CanDeleteOthers)
	})
}
