package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Services of one shop reject signatures of another shop's edge, mailer and admin. At home each of
// these requests is answered, so it is the signature that is rejected.
func identitiesStayAtHome(t *testing.T, a, b *neighbor) {
	for _, ask := range []struct {
		who, service, listener string
		method, path           string
		form                   []string
		refused                int
	}{
		{who: "edge", service: "user", listener: "USER_ADDR", path: "/user/", refused: http.StatusUnauthorized},
		{who: "edge", service: "order", listener: "ORDER_ADDR", path: "/order/cart-items", refused: http.StatusUnauthorized},
		{who: "edge", service: "order", listener: "ORDER_ADDR", path: "/internal/catalog", refused: http.StatusUnauthorized},
		{who: "edge", service: "events", listener: "EVENTS_ADDR", path: "/internal/configuration", refused: http.StatusUnauthorized},
		{who: "mailer", service: "user", listener: "USER_ADDR", method: http.MethodPost, path: "/internal/tagged-among",
			form: []string{"tag", "vip"}, refused: http.StatusUnauthorized},
		{who: "mailer", service: "order", listener: "ORDER_ADDR", method: http.MethodPost, path: "/internal/mail-wanted",
			form: []string{"key", "x"}, refused: http.StatusUnauthorized},
		{who: "admin", service: "user", listener: "USER_ADDR", path: "/staff/customers", refused: http.StatusUnauthorized},
		{who: "admin", service: "order", listener: "ORDER_ADDR", path: "/staff/orders", refused: http.StatusUnauthorized},
		{who: "admin", service: "events", listener: "EVENTS_ADDR", path: "/staff/records", refused: http.StatusUnauthorized},
		{who: "admin", service: "mailer", listener: "MAILER_ADDR", path: "/staff/mails", refused: http.StatusUnauthorized},
		{who: "admin", service: "webhook", listener: "WEBHOOK_ADDR", path: "/staff/stripe", refused: http.StatusUnauthorized},
		// Strangers reach edge, and get no hint that such a page exists.
		{who: "admin", service: "edge", listener: "EDGE_ADDR", path: "/staff/parked/edge", refused: http.StatusNotFound},
	} {
		t.Run(ask.who+" asks "+ask.service+" for "+ask.path, func(t *testing.T) {
			if ask.method == "" {
				ask.method = http.MethodGet
			}
			for signer, want := range map[*neighbor]int{b: http.StatusOK, a: ask.refused} {
				c := signed(t, signer, ask.who, ask.service)
				c.URL = b.Listener(ask.listener)
				if got := c.Ask(ask.method, ask.path, ask.form...); got.Status != want {
					t.Errorf("signed by %s of %s, asked of %s of %s: %s %s: %d, want %d", ask.who, signer.name, ask.service, b.name,
						ask.method, ask.path, got.Status, want)
				}
			}
		})
	}

	for _, who := range []string{"edge", "mailer", "admin"} { // at home as well: the back office accepts only sessions and tokens
		for _, signer := range []*neighbor{a, b} {
			c := signed(t, signer, who, "admin")
			c.URL = b.Listener("ADMIN_ADDR")
			c.Header = http.Header{"Accept": {"application/json"}}
			if got := c.Get("/orders"); got.Status != http.StatusUnauthorized {
				t.Errorf("signed by %s of %s, asked of the back office of %s: %d, want 401", who, signer.name, b.name, got.Status)
			}
		}
	}
}

// signed is a client whose requests are signed by a service of a shop.
func signed(t *testing.T, shop *neighbor, who, service string) *testenv.Client {
	keys := boot.KeysFor(who, shop.settings["SHOP_SECRET"])
	c := &testenv.Client{TB: t}
	switch who {
	case "edge":
		c.Key, c.Cart = keys.Key("identity"), "x"
	case "mailer":
		c.Key = keys.Key(boot.MailerKey)
	case "admin":
		c.Staff = &testenv.Staff{Service: service, Key: keys.StaffSigner(), Identity: adminui.Identity{Person: 7, Name: "Ada",
			Roles: []adminui.Role{adminui.Owner}, FreshUntil: time.Now().Add(time.Hour)}}
	}
	return c
}
