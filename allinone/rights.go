package allinone

import (
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// natsConf says who may say and hear what at the broker: deploy/nats/nats.conf, of which this is a
// copy (make generate makes it, and a test compares).
//
//go:embed nats.conf
var natsConf string

// brokerUsers are the users of nats.conf.
var brokerUsers = []string{"edge", "user", "order", "events", "mailer", "webhook", "admin", "provision", "staff", "sys"}

// passwords derives the passwords of one kind of login from a secret of this installation.
type passwords struct{ kind, secret string }

// of is a user's password: letters and digits, which need no quotes anywhere.
func (p passwords) of(user string) string {
	return "p" + hex.EncodeToString(web.Key([]byte(p.secret), p.kind+" "+user))
}

// letIn gives the broker the users of nats.conf with their rights and these passwords. The shop's
// users belong to the server's own account, which holds the streams of older versions; the user sys
// has the system account.
func letIn(opts *server.Options, secrets passwords) error {
	var text strings.Builder
	text.WriteString("NATS_SERVER_NAME: startupwebapp\n")
	for _, user := range brokerUsers {
		fmt.Fprintf(&text, "%s_NATS_PASSWORD: %s\n", strings.ToUpper(user), secrets.of(user))
	}
	text.WriteString(natsConf)
	// Without this block, and with no accounts but its own and the system's, the server would
	// accept connections without a login.
	text.WriteString("\nauthorization { timeout: 2 }\n")
	if err := opts.ProcessConfigString(text.String()); err != nil {
		return fmt.Errorf("read the users of the broker: %w", err)
	}
	for _, u := range opts.Users {
		if u.Account != nil && u.Account.Name != opts.SystemAccount {
			u.Account = nil
		}
	}
	opts.Accounts = slices.DeleteFunc(opts.Accounts,
		func(a *server.Account) bool { return a.Name != opts.SystemAccount })
	if len(opts.Users) != len(brokerUsers) || len(opts.Accounts) != 1 {
		return errors.New("the users of the broker are not those of nats.conf")
	}
	return nil
}
