package boot

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const chance = "p3f9a1c27be04d6859f1e2d3c4b5a69788f7e6d5c4b3a2918"

// Patterns, placeholders and texts in natural language are refused as secrets.
func TestGuessableSecrets(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		strings.Repeat("a", 32), strings.Repeat("ab", 20), strings.Repeat("0123456789", 4), strings.Repeat("x7Kq9", 8),
		strings.Repeat("-", 64),
		"0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz0123456789", "zyxwvutsrqponmlkjihgfedcba9876543210",
		"qwertyuiopasdfghjklzxcvbnm1234567890", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		"changemechangemechangemechangeme", "change-me-please-change-me-please", "CHANGE_ME_0123456789_CHANGE_ME_9876",
		"your-secret-key-goes-here-1234567890",
		"this is my very long shop secret!", "it was the best of times it was the worst of times",
		"correct horse battery staple and then some",
		"thisstringhasatleastthirtytwoletters", "mein-geheimer-schluessel-fuer-den-laden-ist-lang", "PASSWORDpassword1234PASSWORDpassword",
		developmentSecret, "replace-with-openssl-rand-hex-32-output", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddd",
		"deadbeefdeadbeefdeadbeefdeadbeef",
		"sample-sample-x8dk2-sample-k2jd9s", "11111111111111111111111111111112", "insecure-9f8d7c6b5a4e3f2d1c0b9a8f7e6d5c4b",
	} {
		if guessable(bad) == "" {
			t.Errorf("%q passes", bad)
		}
		if err := CheckSecret(bad, true); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("in production %q: %v", bad, err)
		}
	}

	// Random secrets pass, in whatever letters they are written.
	raw := make([]byte, 32)
	decimal := func(b []byte) string {
		var s strings.Builder
		for _, c := range b {
			fmt.Fprint(&s, c%10)
		}
		return s.String() + fmt.Sprint(b[0], b[1], b[2], b[3])
	}

	for n := range 1_000 {
		rand.Read(raw) //nolint:errcheck // never fails
		for kind, text := range map[string]string{
			"hex": hex.EncodeToString(raw), "short hex": hex.EncodeToString(raw[:16]), "make env": "p" + hex.EncodeToString(raw[:24]),
			"base64":    base64.StdEncoding.EncodeToString(raw),
			"base64url": base64.RawURLEncoding.EncodeToString(raw), "base32": base32.StdEncoding.EncodeToString(raw),
			"the shop's own": rand.Text() + rand.Text(), "decimal": decimal(raw),
		} {
			if why := guessable(text); why != "" {
				t.Fatalf("%s number %d, %s, %s", kind, n, text, why)
			}
		}
	}
}

// Each service gets keys that are of no use at another service, and existing keys stay valid.
func TestKeysOfServices(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, service := range KeyedServices() {
		keys := KeysFor(service, chance)
		if keys.ShopSecret != "" {
			t.Errorf("%s is given the secret", service)
		}
		for _, purpose := range keysOf[service] {
			if !bytes.Equal(keys.Key(purpose), web.Key([]byte(chance), purpose)) {
				t.Errorf("%s: the key for %s is another one than before", service, purpose)
			}
		}
		for name, key := range keys.ShopKeys {
			if other := seen[string(key)]; other != "" && name != "identity" && name != MailerKey {
				t.Errorf("%s and %s share the key %s", service, other, name)
			}
			seen[string(key)] = service
		}
		if bytes.Equal(keys.Key("a later purpose"), KeysFor("other", chance).Key("a later purpose")) {
			t.Errorf("%s shares the key of a purpose that came later", service)
		}
		var read Keyring
		if err := read.Decode(keys.ShopKeys.String()); err != nil || read.String() != keys.ShopKeys.String() ||
			!bytes.Equal(read["identity"], keys.ShopKeys["identity"]) {
			t.Errorf("%s: %v", service, err)
		}
	}

	// admin alone can sign for the staff; all can check it.
	public := Staff{StaffKey: StaffPublic(chance)}.StaffVerifier(KeysFor("order", chance))
	signed := ed25519.Sign(KeysFor("admin", chance).StaffSigner(), []byte("x"))
	if !ed25519.Verify(public, []byte("x"), signed) || !public.Equal(Staff{}.StaffVerifier(Keys{ShopSecret: chance})) {
		t.Error("the two halves of the key for the staff do not fit")
	}
	if key := (Staff{}).StaffVerifier(KeysFor("order", chance)); key != nil {
		t.Errorf("a deployment without STAFF_KEY believes %x", key)
	}

	for _, service := range []string{"edge", "user", "order", "events", "mailer"} {
		if ed25519.Verify(public, []byte("x"), ed25519.Sign(KeysFor(service, chance).StaffSigner(), []byte("x"))) {
			t.Errorf("%s can sign for the staff", service)
		}
	}

	if bytes.Equal(KeysFor("mailer", chance).Key("identity"), KeysFor("edge", chance).Key("identity")) {
		t.Error("mailer can sign identities")
	}
}

type keyed struct {
	Common
	Public
	Keys
}

// Production requires strong keys and a public address with https://, and no refusal quotes a
// secret.
func TestKeysFromTheEnvironment(t *testing.T) {
	good := hex.EncodeToString(web.Key([]byte(chance), "x"))
	for _, c := range []struct {
		env, secret, keys, public string
		wants                     string // in the refusal; empty: none
	}{
		{env: "development", public: "http://127.0.0.1:8080"},
		{env: "development", secret: strings.Repeat("a", 32), public: "http://127.0.0.1:8080"},
		{env: "development", secret: "short", wants: "SHOP_SECRET"},
		{env: "production", secret: chance, public: "https://shop.example"},
		{env: "production", keys: "identity=" + good + ",own=" + strings.ToUpper(good), public: "https://shop.example"},
		{env: "production", public: "https://shop.example", wants: "SHOP_SECRET"},
		{env: "production", secret: strings.Repeat("ab", 16), public: "https://shop.example", wants: "SHOP_SECRET"},
		{env: "production", keys: "identity=" + strings.Repeat("0", 64), public: "https://shop.example", wants: "SHOP_KEYS"},
		{env: "production", keys: "identity=" + good[1:], public: "https://shop.example", wants: "SHOP_KEYS"},
		{env: "production", keys: good, public: "https://shop.example", wants: "SHOP_KEYS"},
		{env: "production", keys: "csrf=" + good, public: "https://shop.example", wants: "SHOP_KEYS"},
		{env: "production", secret: chance, public: "http://shop.example", wants: "PUBLIC_URL"},
		{env: "production", secret: chance, wants: "PUBLIC_URL"},
		{env: "production", secret: chance, public: "HTTP://shop.example", wants: "PUBLIC_URL"},
		{env: "production", secret: chance, public: "//shop.example", wants: "PUBLIC_URL"},
	} {
		t.Setenv("SHOP_ENV", c.env)
		t.Setenv("SHOP_SECRET", c.secret)
		t.Setenv("SHOP_KEYS", c.keys)
		t.Setenv("PUBLIC_URL", c.public)
		_, err := Load[keyed]()
		if (err == nil) != (c.wants == "") || err != nil && !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%+v: %v", c, err)
		}

		for _, secret := range []string{c.secret, c.keys} {
			if err != nil && len(secret) > 5 && strings.Contains(err.Error(), secret) {
				t.Errorf("the refusal quotes a secret: %v", err)
			}
		}
	}
}
