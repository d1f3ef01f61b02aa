package cmd

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/api"
)

type consentsCmd struct {
	List     consentsList     `cmd:"" help:"List the clients that have access to what is a subject's."`
	Withdraw consentsWithdraw `cmd:"" help:"Withdraw clients' access on all devices, so that they must ask again; the devices stay."`
}

type consentsList struct {
	adminFlags
	Subject string `arg:"" help:"Whose: the sub, or what they type to sign in."`
}

// Run prints the clients that have access.
func (c *consentsList) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		if err := a.only(client, &c.Subject); err != nil {
			return err
		}
		var found api.Consents
		if err := client.call(a.ctx, http.MethodGet, consentsOf(c.Subject), nil, nil, &found); err != nil {
			return err
		}
		rows := make([]row, len(found.Consents))
		for i, f := range found.Consents {
			rows[i] = row{
				f.ClientID, orDash(f.ClientName), strings.Join(f.Scopes, " "), strconv.FormatBool(f.Consented), strconv.Itoa(f.Grants),
				strconv.Itoa(len(f.DeviceIDs)), stamp(f.Since), stamp(f.LastUsed),
			}
		}
		return a.print(found.Consents, row{"CLIENT", "NAME", "SCOPES", "CONSENTED", "GRANTS", "DEVICES", "SINCE", "LAST USED"}, rows...)
	})
}

func consentsOf(subject string) string {
	return "/admin/subjects/" + url.PathEscape(subject) + "/consents"
}

type consentsWithdraw struct {
	adminFlags
	Subject string   `arg:"" help:"Whose: the sub, or what they type to sign in."`
	Clients []string `arg:"" name:"client" help:"The clients' ids."`
}

// Run withdraws the consents in turn and stops at the first that is not there.
func (c *consentsWithdraw) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		if err := a.only(client, &c.Subject); err != nil {
			return err
		}
		return a.endEach(client, consentsOf(c.Subject)+"/", c.Clients)
	})
}
