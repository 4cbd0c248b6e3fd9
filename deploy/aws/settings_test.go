package aws

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// secretsManager stands in for AWS's Secrets Manager, with the calls that settings need.
type secretsManager map[string]string

func (m secretsManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct{ SecretId, SecretString string } //nolint:revive // AWS's spelling
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "PutSecretValue") {
		m[asked.SecretId] = asked.SecretString
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": m[asked.SecretId]}) // the client notices an incomplete answer
}

// In the layout with seven tasks a founder's setting goes to the shop, from which the next create
// copies it, and to the services that read it.
func TestReaders(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{"one shop MAIL_FROM": "shop", "seven shop MAIL_FROM": "shop mailer user",
		"seven order STRIPE_SECRET_KEY": "shop order", "seven order LOG_LEVEL": "order"} {
		words := strings.Fields(line)
		if got := strings.Join(readers(words[0], words[1], words[2]), " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// A shop's settings stay when the environment of a later create has others: it may be that of
// another shop.
func TestKeysOfAnotherShopStayOut(t *testing.T) { // sets variables, so not in parallel
	kept := secretsManager{"shop/acme/shop": "{}", "shop/acme/database": `{"username": "shop", "password": "secret"}`}
	server := httptest.NewServer(kept)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a",
		"AWS_SECRET_ACCESS_KEY": "b", "STRIPE_SECRET_KEY": "sk_live_acme", "STRIPE_PUBLISHABLE_KEY": "pk_live_acme",
		"STRIPE_WEBHOOK_SECRET": "whsec_acme", "SMTP_HOST": "mail.example", "MAIL_FROM": "shop@acme.example"} {
		t.Setenv(name, value)
	}

	var out bytes.Buffer
	c, err := open(t.Context(), "acme", &out)
	if err != nil {
		t.Fatal(err)
	}

	for _, key := range []string{"sk_live_acme", "sk_live_bolt"} {
		t.Setenv("STRIPE_SECRET_KEY", key)
		if err := c.tell(t.Context(), layoutOne, map[string]string{}); err != nil {
			t.Fatal(err)
		}
		if text := kept["shop/acme/shop"]; !strings.Contains(text, `"STRIPE_SECRET_KEY":"sk_live_acme"`) {
			t.Errorf("after a create with %s: %s", key, text)
		}
	}

	if said := out.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "STRIPE_SECRET_KEY stays") ||
		strings.Contains(said, "sk_live") {
		t.Errorf("said %q", said)
	}
}
