package checks

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// secureDatabase is a PostgreSQL with a certificate. It returns the owner's address, which requires
// TLS.
func secureDatabase(t *testing.T, files certs.Files) string {
	t.Helper()
	o := pglocal.Options{Dir: t.TempDir()}
	start := func() *pglocal.Cluster {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c, err := pglocal.Start(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}

	if err := start().Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	data := filepath.Join(o.Dir, "data")
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	server := info.Sys().(*syscall.Stat_t)
	for from, name := range map[string]string{files.Cert: "server.crt", files.Key: "server.key"} {
		text, err := os.ReadFile(from) //nolint:gosec // the test's own file
		if err == nil {
			err = os.WriteFile(filepath.Join(data, name), text, 0o600)
		}
		if err == nil {
			err = os.Chown(filepath.Join(data, name), int(server.Uid), int(server.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	o.Settings = map[string]string{"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
	c := start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})

	u, err := url.Parse(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = verifyFull(files)
	return u.String()
}

func verifyFull(files certs.Files) string {
	return url.Values{"sslmode": {"verify-full"}, "sslrootcert": {files.CA}}.Encode()
}

// On a network that is not their own, services talk to database, broker and one another by TLS,
// each side with a certificate from files.
func TestDeploymentOverTLS(t *testing.T) {
	t.Parallel()
	files := testenv.Certificates(t)
	owner := secureDatabase(t, files)
	addrs := map[string]string{}
	replace := []string{"sslmode=disable", verifyFull(files), "nats://", "tls://"}
	for _, inside := range []string{"webhook:8081", "user:8082", "order:8083", "events:8084", "mailer:8085"} {
		addrs[inside] = testenv.Port(t)
		replace = append(replace, "http://"+inside, "https://"+addrs[inside], "0.0.0.0"+inside[len(inside)-5:], addrs[inside])
	}

	d := deploy(t, startBroker(t, files)("staff"), owner, replace...)
	d.more = []string{
		"NATS_CA=" + files.CA, "NATS_CERT=" + files.Cert, "NATS_KEY=" + files.Key,
		"TLS_CA=" + files.CA, "TLS_CERT=" + files.Cert, "TLS_KEY=" + files.Key,
	}

	if out, err := d.command("migrate", "").CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	for _, name := range append([]string{"provision"}, services...) {
		d.start(name)
	}
	d.shops()

	// Connections to the database are encrypted.
	var plain, secured int
	db := testenv.OpenOwner(t, owner, "edge")
	err := db.QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE NOT ssl), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
		WHERE usename LIKE 'shop_%'`).Scan(&plain, &secured)
	if err != nil || plain != 0 || secured < len(services) {
		t.Errorf("%d services' connections to the database are in the clear, %d encrypted: %v", plain, secured, err)
	}

	// Services refuse plain HTTP, and clients without a certificate.
	for inside, addr := range addrs {
		if answer, err := http.Get("http://" + addr + "/internal/x"); err == nil { //nolint:gosec // our own
			if answer.StatusCode != http.StatusBadRequest { // a TLS listener answers plain HTTP like this
				t.Errorf("%s answers %d in the clear", inside, answer.StatusCode)
			}
			_ = answer.Body.Close() // the body does not matter
		}
		client, err := certs.Files{CA: files.CA}.Client()
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: client}}).Get("https://" + addr +
			"/internal/x"); err == nil {
			t.Errorf("%s answers %d to a client without a certificate", inside, answer.StatusCode)
			_ = answer.Body.Close() // the body does not matter
		}
	}
}
