package aws

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// settings are those of one service, by the names of variables. Their values are secrets: they are
// never printed.
type settings map[string]string

func (c *cloud) secretID(service string) *string {
	return aws.String("shop/" + atAWS(c.shop) + "/" + service)
}

// settingsOf reads the settings of a service.
func (c *cloud) settingsOf(ctx context.Context, service string) (settings, error) {
	got, err := c.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: c.secretID(service)})
	if err != nil {
		return nil, fmt.Errorf("read the settings of %s: %w", service, err)
	}
	all := settings{}
	if err := json.Unmarshal([]byte(aws.ToString(got.SecretString)), &all); err != nil {
		return nil, fmt.Errorf("the settings of %s are not a JSON object of texts", service)
	}
	return all, nil
}

// change sets some settings of a service; all others stay as they are.
func (c *cloud) change(ctx context.Context, service string, fields settings) error {
	all, err := c.settingsOf(ctx, service)
	if err != nil {
		return err
	}
	was := maps.Clone(all)
	maps.Copy(all, fields)
	if maps.Equal(was, all) {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("write the settings of %s: %w", service, err)
	}
	if _, err := c.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: c.secretID(service),
		SecretString: aws.String(string(text))}); err != nil {
		return fmt.Errorf("write the settings of %s: %w", service, err)
	}
	return nil
}

// setOne sets one setting of a service to the value that in holds, without the end of the line.
func (c *cloud) setOne(ctx context.Context, service, field string, in io.Reader) error {
	layout, err := c.layout(ctx)
	if err != nil {
		return err
	}
	if layout == layoutOne && service != "shop" {
		return fmt.Errorf("%s is one task, which reads none of %s's settings: aws set %s shop %s", c.shop, service,
			c.shop, field)
	}
	value, err := io.ReadAll(io.LimitReader(in, 32<<10)) // Secrets Manager takes 64 KiB in all
	if err != nil {
		return fmt.Errorf("read the value: %w", err)
	}
	text := strings.TrimRight(string(value), "\r\n")
	if text == "" {
		return errors.New("the value is empty: it is read from standard input")
	}
	for _, reader := range readers(layout, service, field) {
		if err := c.change(ctx, reader, settings{field: text}); err != nil {
			return err
		}
	}
	return c.say("%s of %s is set; its next task has it: shop aws deploy %s", field, service, c.shop)
}

// founders are the settings that only the founder knows. The first create takes them from its
// environment; later ones keep the shop's values, because their environment may be that of another
// shop. services are those that read the setting.
var founders = []struct {
	name     string
	services []string
	needed   bool
}{
	{"STRIPE_SECRET_KEY", []string{"order"}, true},
	{"STRIPE_PUBLISHABLE_KEY", []string{"order"}, true},
	{"STRIPE_WEBHOOK_SECRET", []string{"webhook"}, true},
	{"STRIPE_ACCOUNT", []string{"order"}, false},
	{"SMTP_HOST", []string{"mailer"}, true},
	{"SMTP_PORT", []string{"mailer"}, false},
	{"SMTP_USERNAME", []string{"mailer"}, false},
	{"SMTP_PASSWORD", []string{"mailer"}, false},
	{"MAIL_FROM", []string{"mailer", "user"}, true},
	{"MAIL_STAFF", []string{"mailer"}, false},
	{"MAIL_BOUNCES", []string{"mailer"}, false},
	{"IMAP_HOST", []string{"mailer"}, false},
	{"IMAP_USERNAME", []string{"mailer"}, false},
	{"IMAP_PASSWORD", []string{"mailer"}, false},
}

// readers are the services whose settings hold a field. A founder's setting is also among the
// shop's, from which the next create copies it.
func readers(layout, service, field string) []string {
	for _, f := range founders {
		if f.name == field && layout == layoutSeven {
			return append([]string{"shop"}, f.services...)
		}
	}
	return []string{service}
}

// tell writes the settings of every service: random secrets that are generated once, the addresses
// of the others, and what the founder gave. It fails with the names of those that a service cannot
// start without.
func (c *cloud) tell(ctx context.Context, layout string, known map[string]string) error {
	shop, err := c.settingsOf(ctx, "shop")
	if err != nil {
		return err
	}
	c.generateSecrets(shop)
	if err := c.common(ctx, shop, layout, known); err != nil {
		return err
	}

	var missing []string
	for _, f := range founders {
		switch value := os.Getenv(f.name); {
		case shop[f.name] == "" && value != "":
			shop[f.name] = value
		case value != "" && value != shop[f.name]:
			if err := c.say("%s stays as it is: the environment has another value. "+
				"To change it: shop aws set %s shop %s", f.name, c.shop, f.name); err != nil {
				return err
			}
		}
		if f.needed && shop[f.name] == "" {
			missing = append(missing, f.name)
		}
	}

	if err := c.change(ctx, "shop", shop); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("set %s in the environment of shop aws create, once: then the shop has them",
			strings.Join(missing, ", "))
	}
	if layout == layoutOne {
		return nil
	}

	for _, service := range services {
		if err := c.change(ctx, service, c.serviceSettings(service, shop, known)); err != nil {
			return err
		}
	}

	return c.change(ctx, "nats", c.brokerSettings(shop, known))
}

// generateSecrets generates the missing secrets. Digits and letters need no quotes anywhere, and
// because of the first letter the broker cannot read one as a number.
func (c *cloud) generateSecrets(shop settings) {
	names := []string{"SHOP_SECRET", "PROVISION_NATS_PASSWORD", "STAFF_NATS_PASSWORD", "SYS_NATS_PASSWORD"}
	for _, s := range services {
		names = append(names, strings.ToUpper(s)+"_DB_PASSWORD", strings.ToUpper(s)+"_NATS_PASSWORD")
	}
	for _, name := range names {
		if shop[name] == "" {
			shop[name] = "p" + rand.Text() + rand.Text()
		}
	}
}

// common adds the settings of the whole shop, as the migrate job and the one process read them.
func (c *cloud) common(ctx context.Context, shop settings, layout string, known map[string]string) error {
	owner, err := c.settingsOf(ctx, "database")
	if err != nil {
		return err
	}
	shop["DATABASE_URL"] = databaseURL(owner["username"], owner["password"], known)
	shop["SHOP_ENV"], shop["SHOP_NAME"] = "production", c.shop
	shop["PUBLIC_URL"], shop["ADMIN_URL"] = "https://"+known["Host"], "https://"+known["AdminHost"]
	shop["TRUSTED_PROXIES"] = "loopback,10.0.0.0/16" // the load balancer's subnets
	shop["EDGE_ADDR"], shop["ADMIN_ADDR"] = "0.0.0.0:"+ports["edge"], "0.0.0.0:"+ports["admin"]
	if layout == layoutSeven {
		shop["NATS_URL"] = brokerURL("provision", shop, known)
	}
	return nil
}

func databaseURL(user, password string, known map[string]string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Path:     "/shop",
		RawQuery: "sslmode=require",
		Host:     net.JoinHostPort(known["DatabaseHost"], known["DatabasePort"]),
	}
	return u.String()
}

func brokerURL(user string, shop settings, known map[string]string) string {
	return fmt.Sprintf("nats://%s:%s@%s:4222", user, shop[strings.ToUpper(user)+"_NATS_PASSWORD"], known["BrokerHost"])
}

// callsOverHTTP reports whether one service calls another over HTTP.
func callsOverHTTP(service, other string) bool {
	switch service {
	case "edge", "admin":
		return other != "admin" && other != service
	case "mailer":
		return other == "user" || other == "order"
	}
	return false
}

// serviceSettings are the settings of a service: its own logins and keys, the addresses of the
// others, and those of the founder's settings that it reads.
func (c *cloud) serviceSettings(service string, shop settings, known map[string]string) settings {
	secret := shop["SHOP_SECRET"]
	own := settings{
		"DATABASE_URL": databaseURL(pg.Role(c.shop, service), shop[strings.ToUpper(service)+"_DB_PASSWORD"], known),
		"NATS_URL":     brokerURL(service, shop, known),
	}
	own[strings.ToUpper(service)+"_ADDR"] = "0.0.0.0:" + ports[service]
	for _, name := range []string{"SHOP_ENV", "SHOP_NAME", "PUBLIC_URL", "ADMIN_URL", "TRUSTED_PROXIES"} {
		own[name] = shop[name]
	}
	if slices.Contains(boot.KeyedServices(), service) {
		own["SHOP_KEYS"] = boot.KeysFor(service, secret).ShopKeys.String()
	}
	own["STAFF_KEY"] = boot.StaffPublic(secret).String()
	for other, port := range ports {
		if callsOverHTTP(service, other) {
			own[strings.ToUpper(other)+"_URL"] = "http://" + other + ":" + port
		}
	}
	for _, f := range founders {
		if slices.Contains(f.services, service) && shop[f.name] != "" {
			own[f.name] = shop[f.name]
		}
	}
	return own
}

// brokerSettings are nats.conf and the passwords that it names.
func (c *cloud) brokerSettings(shop settings, known map[string]string) settings {
	all := settings{"NATS_CONF": known["NatsConf"]}
	for name, value := range shop {
		if strings.HasSuffix(name, "_NATS_PASSWORD") {
			all[name] = value
		}
	}
	return all
}
