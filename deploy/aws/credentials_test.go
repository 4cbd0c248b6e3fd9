package aws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
)

// tokens stands in for GitHub, which gives a new token to every caller, and for AWS, which takes
// each token only once here, as if its five minutes were over.
func tokens(t *testing.T) *httptest.Server {
	t.Helper()
	given, good := 0, ""
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer job" || r.FormValue("audience") != "sts.amazonaws.com" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		given++
		good = fmt.Sprintf("token+%d/=", given)
		fmt.Fprintf(w, `{"count": 1, "value": "%s"}`, good)
	})

	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("RoleArn") != "arn:aws:iam::1:role/shop-acme-deploy" ||
			r.FormValue("WebIdentityToken") != good || r.FormValue("RoleSessionName") != "github-77" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<ErrorResponse><Error><Message>Not authorized</Message></Error></ErrorResponse>")
			return
		}
		good = "none"
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
			<AccessKeyId>key%d</AccessKeyId><SecretAccessKey>secret/+=</SecretAccessKey><SessionToken>session</SessionToken>
			<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
			</AssumeRoleWithWebIdentityResponse>`, given)
	})

	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// A deployment is several programs and takes longer than a token of GitHub is valid: each program
// gets the role with a new token.
func TestCredentialsOutliveGitHubsToken(t *testing.T) {
	server, temp := tokens(t), t.TempDir()
	for name, value := range map[string]string{
		"AWS_ROLE_ARN": "arn:aws:iam::1:role/shop-acme-deploy", "AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL_STS": server.URL,
		"ACTIONS_ID_TOKEN_REQUEST_URL": server.URL + "/token?version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job", "GITHUB_RUN_ID": "77",
		"RUNNER_TEMP": temp, "GITHUB_ENV": filepath.Join(temp, "env"), "AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(temp, "none"),
	} {
		t.Setenv(name, value)
	}
	if out, err := exec.CommandContext(t.Context(), "../ci/credentials.sh").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	set, err := os.ReadFile(filepath.Join(temp, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(set)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.Setenv(name, value)
	}
	for _, want := range []string{"key2", "key3"} { // the check whether there is a token got key1
		cfg, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := cfg.Credentials.Retrieve(t.Context())
		if err != nil || got.AccessKeyID != want || got.SecretAccessKey != "secret/+=" || got.SessionToken != "session" || !got.CanExpire {
			t.Fatalf("%+v, %v; want %s", got, err, want)
		}
	}

	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/shop-bolt-deploy")
	out, err := exec.CommandContext(t.Context(), "../ci/credentials.sh").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "AWS refuses the role arn:aws:iam::1:role/shop-bolt-deploy: Not authorized") {
		t.Errorf("another shop's role: %v: %s", err, out)
	}
}
