package shoptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/admin"
	"github.com/startupwebapp/startupwebapp/services/edge"
	"github.com/startupwebapp/startupwebapp/services/events"
	"github.com/startupwebapp/startupwebapp/services/mailer"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
	"github.com/startupwebapp/startupwebapp/services/webhook"
)

// roleVariable tells the program of a test which process of a Fleet to be.
const roleVariable = "SHOPTEST_ROLE"

// Main is the TestMain of packages that start a Fleet.
func Main(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "edge":
		boot.Main(role, edge.Run)
	case "user":
		boot.Main(role, user.Run)
	case "order":
		if order.IsCommand(os.Args[1:]) {
			os.Exit(order.Command(os.Args[1:], os.Stdout, os.Stderr))
		}
		boot.Main(role, order.Run)
	case "events":
		boot.Main(role, events.Run)
	case "mailer":
		boot.Main(role, mailer.Run)
	case "webhook":
		boot.Main(role, webhook.Run)
	case "admin":
		if admin.IsCommand(os.Args[1:]) {
			os.Exit(admin.Command(os.Args[1:], os.Stdout, os.Stderr))
		}
		boot.Main(role, admin.Run)
	case "shop":
		os.Exit(allinone.Program(os.Args[1:], os.Stdout, os.Stderr))
	case "broker":
		if err := runBroker(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(2)
}

// runBroker runs a server with the users and rights of deploy/nats/nats.conf, at the addresses of
// the environment.
func runBroker() error {
	opts, err := server.ProcessConfigFile(os.Getenv("BROKER_CONF"))
	if err != nil {
		return err
	}
	for _, at := range []struct {
		variable string
		host     *string
		port     *int
	}{
		{"BROKER_ADDR", &opts.Host, &opts.Port}, {"BROKER_MONITOR", &opts.HTTPHost, &opts.HTTPPort},
		{"BROKER_CLUSTER", &opts.Cluster.Host, &opts.Cluster.Port},
	} {
		host, port, err := net.SplitHostPort(os.Getenv(at.variable))
		if err != nil {
			return err
		}
		if *at.host = host; err == nil {
			*at.port, err = strconv.Atoi(port)
		}
		if err != nil {
			return err
		}
	}

	opts.StoreDir, opts.NoSigs, opts.NoLog = os.Getenv("BROKER_DIR"), true, true
	if routes := os.Getenv("BROKER_ROUTES"); strings.Contains(routes, ",") {
		opts.Cluster.Name, opts.Routes = "shop", server.RoutesFromStr(routes)
	} else {
		opts.Cluster = server.ClusterOpts{}
	}

	srv, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		return errors.New("the broker does not start")
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil
}
