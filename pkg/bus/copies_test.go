package bus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A shop that began with one broker of a cluster has its streams copied to the others when the
// setting says so, with what they hold, and loses nothing when one of the three goes.
func TestStreamsAreCopied(t *testing.T) {
	t.Parallel()
	cluster := testenv.NewCluster(t)
	e := newEnvOn(t, cluster.URL())
	provisioning, err := bus.Connect(testenv.Log(t), cluster.URL(), "provision")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provisioning.Close)
	testenv.Eventually(t, 60*time.Second, "streams on one broker",
		func() bool { return provisioning.Provision(t.Context(), 1) == nil })
	nc, err := nats.Connect(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Run(t, e.outbox.Run)
	e.send(0, 50)
	testenv.Eventually(t, 30*time.Second, "published",
		func() bool { return e.query(e.sender, `SELECT count(*) FROM outbox WHERE attempts > 0`) == 50 })

	testenv.Run(t, func(ctx context.Context) error {
		provisioning.KeepProvisioned(ctx, 3, func() {})
		return nil
	})
	var leader string
	for _, s := range msg.Streams {
		want := 3
		if slices.Contains([]string{"EVENT", "LIMITS"}, s.Name) {
			want = 1
		}
		testenv.Eventually(t, 60*time.Second, s.Name+" is copied and up to date", func() bool {
			info, err := look(t, js, s.Name)
			if err != nil || info.Config.Replicas != want || info.Cluster == nil || info.Cluster.Leader == "" ||
				len(info.Cluster.Replicas) != want-1 {
				return false
			}
			if s.Name == "STRIPE" {
				leader = info.Cluster.Leader
			}
			return !slices.ContainsFunc(info.Cluster.Replicas, func(p *jetstream.PeerInfo) bool { return !p.Current })
		})
	}
	testenv.Eventually(t, 60*time.Second, "what order-stripe has done is copied, too", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		c, err := js.Consumer(ctx, "STRIPE", msg.OrderStripe)
		if err != nil {
			return false
		}
		at := c.CachedInfo().Cluster
		return at != nil && at.Leader != "" && len(at.Replicas) == 2 &&
			!slices.ContainsFunc(at.Replicas, func(p *jetstream.PeerInfo) bool { return !p.Current })
	})
	if err := provisioning.Provision(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if info, err := look(t, js, "STRIPE"); err != nil || info.Config.Replicas != 3 {
		t.Errorf("copies were taken away: %v", err)
	}

	cluster[int(leader[len(leader)-1]-'1')].Stop()
	e.send(50, 60)
	e.receive(nothingFails)
	testenv.Eventually(t, 60*time.Second, "60 messages handled and confirmed with one broker gone",
		func() bool { return e.count() == 60 && e.outboxEmpty() })
}

func look(t *testing.T, js jetstream.JetStream, stream string) (*jetstream.StreamInfo, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.Info(ctx)
}

// One broker cannot keep three copies: provisioning says so, and leaves nothing half made.
func TestCopiesRequireBrokers(t *testing.T) {
	t.Parallel()
	b := testenv.NewBroker(t).Bus("provision")
	var api *jetstream.APIError
	if err := b.Provision(t.Context(), 3); !errors.As(err, &api) {
		t.Errorf("three copies on one broker: %v", err)
	}
}
