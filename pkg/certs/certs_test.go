package certs_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Each side requires a certificate of its authority from the other, and a configuration that cannot
// work is an error before anything is served.
func TestBothSidesShowWhoTheyAre(t *testing.T) {
	t.Parallel()
	ours, theirs := testenv.Certificates(t), testenv.Certificates(t)
	cfg, err := ours.Server()
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}

	srv := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go srv.Serve(l)   //nolint:errcheck // it ends with the test
	defer srv.Close() //nolint:errcheck // the test is over

	for what, c := range map[string]struct {
		files certs.Files
		works bool
	}{
		"ours": {ours, true}, "of another authority": {certs.Files{CA: ours.CA, Cert: theirs.Cert, Key: theirs.Key}, false},
		"without a certificate":    {certs.Files{CA: ours.CA}, false},
		"that trusts another":      {certs.Files{CA: theirs.CA, Cert: ours.Cert, Key: ours.Key}, false},
		"that trusts the system's": {certs.Files{Cert: ours.Cert, Key: ours.Key}, false},
	} {
		client, err := c.files.Client()
		if err != nil {
			t.Fatal(err)
		}
		tr := &http.Transport{TLSClientConfig: client}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}

		res, err := tr.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close() // there is none
		}
		if (err == nil) != c.works {
			t.Errorf("a client %s: %v", what, err)
		}
		tr.CloseIdleConnections()
	}

	if cfg.MinVersion < tls.VersionTLS12 {
		t.Error("old versions of TLS")
	}

	// A renewed certificate counts from the next connection on.
	for _, pair := range [][2]string{{theirs.Cert, ours.Cert}, {theirs.Key, ours.Key}} {
		text, err := os.ReadFile(pair[0])
		if err == nil {
			err = os.WriteFile(pair[1], text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	client, err := certs.Files{CA: theirs.CA}.Client()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		t.Errorf("the renewed certificate is not used: %v", err)
	} else {
		_ = conn.Close() // it was only looked at
	}
}

func TestFilesThatCannotWork(t *testing.T) {
	t.Parallel()
	good := testenv.Certificates(t)
	for what, f := range map[string]certs.Files{
		"no such authority":          {CA: good.CA + "x", Cert: good.Cert, Key: good.Key},
		"an authority that is a key": {CA: good.Key, Cert: good.Cert, Key: good.Key},
		"a key alone":                {Key: good.Key}, "a certificate alone": {Cert: good.Cert},
		"a key for a certificate": {Cert: good.Key, Key: good.Key},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if _, err := f.Client(); err == nil {
				t.Error("a client is made")
			}
			if _, err := f.Server(); err == nil {
				t.Error("a server is made")
			}
		})
	}
}
