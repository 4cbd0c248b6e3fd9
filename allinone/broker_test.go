package allinone

import (
	"cmp"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// allinone embeds the same file as the deployments. A package can embed only files of its own
// folder, so this one is a copy.
func TestGeneratedRights(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	testenv.Generated(t, "nats.conf", string(text))
}

// The embedded broker has the users of a deployment, each with the same rights.
func TestBrokerHasTheUsersOfADeployment(t *testing.T) { // sets variables, so not in parallel
	t.Setenv("NATS_SERVER_NAME", "x")
	for _, user := range brokerUsers {
		t.Setenv(strings.ToUpper(user)+"_NATS_PASSWORD", "x"+user)
	}
	deployed, err := server.ProcessConfigFile("../deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	var own server.Options
	if err := letIn(&own, passwords{"broker", "secret"}); err != nil {
		t.Fatal(err)
	}

	for _, o := range []*server.Options{deployed, &own} {
		slices.SortFunc(o.Users, func(a, b *server.User) int { return cmp.Compare(a.Username, b.Username) })
	}
	for i, u := range deployed.Users {
		if own.Users[i].Username != u.Username {
			t.Fatalf("users differ: %s and %s", own.Users[i].Username, u.Username)
		}
		if !reflect.DeepEqual(u.Permissions, own.Users[i].Permissions) {
			t.Errorf("the rights of %s differ: %+v and %+v", u.Username, u.Permissions, own.Users[i].Permissions)
		}
	}

	if own.NoAuthUser != "" || deployed.NoAuthUser != "" {
		t.Error("there is a user without a password")
	}
}

// Each service can publish on its own subjects at the embedded broker, and on no others.
func TestBrokerRefusesWhatIsAnothers(t *testing.T) {
	t.Parallel()
	b, err := startBroker(slog.New(slog.DiscardHandler), t.TempDir(), "127.0.0.1:0", passwords{"broker", "secret of this test"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.stop()

	for _, c := range []struct {
		user, subject string
		may           bool
	}{
		{"webhook", "stripe.checkout.session.completed", true}, {"edge", "stripe.checkout.session.completed", false},
		{"order", "stripe.checkout.session.completed", false}, {"events", "order.placed", false}, {"mailer", "mail.send.reset", false},
		{"user", "user.erased", true}, {"order", "user.erased", false}, {"provision", "$JS.API.STREAM.DELETE.STRIPE", false},
	} {
		nc, err := nats.Connect(b.urlFor(c.user), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			t.Fatalf("%s cannot log in: %v", c.user, err)
		}
		if err := nc.Publish(c.subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := nc.LastError() == nil; got != c.may {
			t.Errorf("%s may say %s: %t", c.user, c.subject, got)
		}
		nc.Close()
	}

	for _, bad := range []string{b.url(), strings.Replace(b.urlFor("edge"), "edge:", "webhook:", 1)} {
		if nc, err := nats.Connect(bad); err == nil {
			nc.Close()
			t.Errorf("%s got in", bad)
		}
	}
}
