package bus_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A broker whose disk is busy answers late. A shop that starts waits for it, and does not give up
// after the first request.
func TestProvisioningAtStartWaitsForASlowBroker(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	u, err := url.Parse(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan struct{}, 1)
	answers <- struct{}{}
	to := u.Host
	u.Host = slowWay(t, to, answers)
	b, err := bus.Connect(testenv.Log(t), u.String(), "provision")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	testenv.Eventually(t, 10*time.Second, "connected", b.Connected)
	<-answers
	time.AfterFunc(5*time.Second, func() { answers <- struct{}{} }) // longer than a request waits
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.ProvisionAtStart(ctx, 1); err != nil {
		t.Error(err)
	}
}

// slowWay leads to a server whose answers pass only while open holds a token.
func slowWay(t *testing.T, to string, open chan struct{}) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // the test is over
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			go io.Copy(out, in) //nolint:errcheck // ends with the connection
			go func() {
				part := make([]byte, 4096)
				for {
					n, err := out.Read(part)
					token := <-open
					open <- token
					if _, werr := in.Write(part[:n]); err != nil || werr != nil {
						return
					}
				}
			}()
		}
	}()

	return l.Addr().String()
}
