package boot

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Keys are the settings of a service that signs or hashes: a key for each purpose. They are derived
// where they are given out, so that a service that is broken into can forge nothing of another
// service: the one process derives them from SHOP_SECRET, compose hands out what `make env` made. A
// service that is started alone may be given SHOP_SECRET and derives its keys itself.
type Keys struct {
	ShopSecret string  `envconfig:"SHOP_SECRET" desc:"at least 32 random characters (openssl rand -hex 32); all keys are derived from it; make run makes one in DATA_DIR when empty, a deployment gives each service SHOP_KEYS instead"`
	ShopKeys   Keyring `envconfig:"SHOP_KEYS" desc:"the keys of one service instead of SHOP_SECRET: name=64 hexadecimal digits, comma-separated; make env and shop keys make them"`
}

// Keyring is key material by name. The key own serves every purpose that has none of its own name.
type Keyring map[string][]byte

const (
	keyBytes = 32
	ownKey   = "own"
)

// keysOf are the purposes that services share, and those that had keys of their own before there
// were keyrings: existing cookies and links stay valid. Everything else is derived from the
// service's key own.
var keysOf = map[string][]string{
	"edge":   {"identity", "csrf", "cart cookie", "anonymous cookie"},
	"user":   {"identity", MailerKey, "codes"},
	"order":  {"identity", MailerKey},
	"events": {"identity"},
	"mailer": {MailerKey, "mail address"},
	"admin":  {staffSeed},
}

// MailerKey names the key with which mailer signs its requests to owners. It signs nothing else:
// mailer cannot pretend to be a shopper.
const MailerKey = "question"

// staffSeed names the seed of the key that signs identities of the staff, which only admin has. The
// owners of staff pages have the public half, STAFF_KEY.
const staffSeed = "staff seed"

// developmentSecret signs where no secret is set and the services run one by one on a developer's
// machine. It protects nothing, hence the refusal in production.
const developmentSecret = "development only: set SHOP_SECRET in production"

// KeysFor derives the keys of one service.
func KeysFor(service, secret string) Keys {
	ring := Keyring{ownKey: web.Key([]byte(secret), "service "+service)}
	for _, purpose := range keysOf[service] {
		ring[purpose] = web.Key([]byte(secret), purpose)
	}
	return Keys{ShopKeys: ring}
}

// StaffSigner is the private key that identities of the staff are signed with (Ed25519, RFC 8032).
func (k Keys) StaffSigner() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(k.Key(staffSeed)) }

// Staff is the setting of services that have pages in the back office.
type Staff struct {
	StaffKey PublicKey `envconfig:"STAFF_KEY" desc:"public half of the key with which admin signs requests of staff, 64 hexadecimal digits; made by make env and shop keys; when empty it is derived from SHOP_SECRET, and with SHOP_KEYS no staff request is answered"`
}

// PublicKey is an Ed25519 key that signatures are checked with.
type PublicKey ed25519.PublicKey

// Decode reads the setting.
func (p *PublicKey) Decode(value string) error {
	key, err := hex.DecodeString(value)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return errors.New("want 64 hexadecimal digits")
	}
	*p = key
	return nil
}

// String writes the key as the setting has it.
func (p PublicKey) String() string { return hex.EncodeToString(p) }

// StaffPublic is the public half of a secret's StaffSigner.
func StaffPublic(secret string) PublicKey { return publicOf(Keys{ShopSecret: secret}) }

func publicOf(k Keys) PublicKey {
	key, ok := k.StaffSigner().Public().(ed25519.PublicKey)
	if !ok {
		panic("the public half of an Ed25519 key is another kind of key") // it never is
	}
	return PublicKey(key)
}

// StaffVerifier is the key that identities of the staff are checked with. It is nil, and fits no
// signature, if a deployment gave the service keys of its own and no STAFF_KEY.
func (s Staff) StaffVerifier(k Keys) ed25519.PublicKey {
	if s.StaffKey == nil && k.ShopKeys == nil {
		return ed25519.PublicKey(publicOf(k))
	}
	return ed25519.PublicKey(s.StaffKey)
}

func (k Keys) secret() []byte {
	if k.ShopSecret == "" {
		return []byte(developmentSecret)
	}
	return []byte(k.ShopSecret)
}

// KeyedServices are the services that need keys.
func KeyedServices() []string { return slices.Sorted(maps.Keys(keysOf)) }

// Key is the key for one purpose. Two services have a key in common only when both name it identity
// or MailerKey.
func (k Keys) Key(purpose string) []byte {
	if key := k.ShopKeys[purpose]; key != nil {
		return key
	}
	if own := k.ShopKeys[ownKey]; own != nil {
		return web.Key(own, purpose)
	}
	return web.Key(k.secret(), purpose)
}

// String writes a keyring as the setting has it.
func (r Keyring) String() string {
	parts := make([]string, 0, len(r))
	for _, name := range slices.Sorted(maps.Keys(r)) {
		parts = append(parts, strings.ReplaceAll(name, " ", "-")+"="+hex.EncodeToString(r[name]))
	}
	return strings.Join(parts, ",")
}

// Decode reads the setting. Its errors never quote it.
func (r *Keyring) Decode(value string) error {
	ring := Keyring{}
	for part := range strings.SplitSeq(value, ",") {
		name, text, ok := strings.Cut(strings.TrimSpace(part), "=")
		key, err := hex.DecodeString(text)
		if !ok || name == "" || err != nil || len(key) != keyBytes {
			return errors.New("want name=64 hexadecimal digits, comma-separated")
		}
		ring[strings.ReplaceAll(name, "-", " ")] = key
	}
	*r = ring
	return nil
}

// checkKeys reports what production refuses, and what is not a secret anywhere.
func (k Keys) checkKeys(production bool) error {
	if k.ShopKeys == nil || k.ShopSecret != "" {
		return CheckSecret(k.ShopSecret, production)
	}
	var errs []error
	if k.ShopKeys["identity"] == nil && k.ShopKeys[ownKey] == nil {
		errs = append(errs, errors.New("SHOP_KEYS names neither identity nor own"))
	}
	for _, name := range slices.Sorted(maps.Keys(k.ShopKeys)) {
		if why := guessable(hex.EncodeToString(k.ShopKeys[name])); production && why != "" {
			errs = append(errs, fmt.Errorf("the key %s of SHOP_KEYS %s: take 32 random bytes (openssl rand -hex 32)",
				name, why))
		}
	}
	return errors.Join(errs...)
}

// CheckSecret reports why a SHOP_SECRET cannot be used, without quoting it.
func CheckSecret(secret string, production bool) error {
	switch {
	case secret == "" && production:
		return errors.New("SHOP_SECRET or SHOP_KEYS must be set in production")
	case secret == "":
		return nil
	case len(secret) < 32:
		return errors.New("SHOP_SECRET is shorter than 32 characters")
	}
	if why := guessable(secret); production && why != "" {
		return fmt.Errorf("SHOP_SECRET %s: production requires a random one (openssl rand -hex 32)", why)
	}
	return nil
}
