package cmd

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/api"
)

type grantsCmd struct {
	List   grantsList   `cmd:"" help:"List grants, newest first."`
	Revoke grantsRevoke `cmd:"" help:"End grants; their devices stay."`
}

type grantsList struct {
	adminFlags
	Subject string `help:"Only this subject's, by sub or by what they type to sign in."`
	Device  string `help:"Only those of this device."`
	Client  string `help:"Only those of this client."`
	Limit   count  `default:"100" help:"At most so many."`
}

// Run prints the grants that fit.
func (c *grantsList) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		if err := a.only(client, &c.Subject); err != nil {
			return err
		}
		query := filter(map[string]string{"subject": c.Subject, "device": c.Device, "client": c.Client})
		found, err := parts(c.Limit, query, func(query url.Values) ([]api.Grant, string, error) {
			var part api.Grants
			err := client.call(a.ctx, http.MethodGet, "/admin/grants", query, nil, &part)
			return part.Grants, part.Next, err
		})
		if err != nil {
			return err
		}
		rows := make([]row, len(found))
		for i, g := range found {
			rows[i] = row{
				g.ID, g.Subject, g.ClientID, orDash(g.DeviceID), standing(g, a.now()),
				strconv.FormatInt(g.Generation, 10), strings.Join(g.Scopes, " "), stamp(g.CreatedAt),
			}
		}
		return a.print(found, row{"GRANT", "SUBJECT", "CLIENT", "DEVICE", "STATE", "GENERATION", "SCOPES", "CREATED"}, rows...)
	})
}

// standing says in a word whether a grant still yields tokens.
func standing(g api.Grant, now time.Time) string {
	over := func(end time.Time) bool { return !end.IsZero() && !now.Before(end) }
	switch {
	case !g.RevokedAt.IsZero():
		return "revoked (" + g.RevokedReason + ")"
	case over(g.NotAfter), over(g.IdleUntil):
		return "expired"
	default:
		return "live"
	}
}

type grantsRevoke struct {
	adminFlags
	IDs []string `arg:"" name:"id" help:"The grants' ids."`
}

// Run ends the grants in turn and stops at the first that is not there.
func (c *grantsRevoke) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		return a.endEach(client, "/admin/grants/", c.IDs)
	})
}
