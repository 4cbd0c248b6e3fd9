package edge

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A new name of the shop is on its pages within a second, without a restart, and the files of the
// earlier pages are still served for browsers that show those.
func TestTheShopIsRenamed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sells(1)
	c := e.browser()
	before := c.Get("/")
	before.Has(200, "StartUpWebApp")
	script := regexp.MustCompile(`/static/[^"]+\.js`).FindString(before.Body)
	e.order.says("GET /internal/catalog", strings.Replace(fed(2, false), `"whole"`,
		`"shop":{"shop_name":"Paper & <b>Co","shop_address":"1 Elm Street\nSpringfield"},"whole"`, 1))
	if err := e.server.bus.Signal(msg.CatalogChanged, nil); err != nil {
		t.Fatal(err)
	}
	const name = "Paper &amp; &lt;b&gt;Co"
	testenv.Eventually(t, 30*time.Second, "the name is there", func() bool { return strings.Contains(c.Get("/").Body, name) })
	for _, path := range []string{"/", "/cart", "/about", "/nowhere"} {
		a := c.Get(path)
		if !strings.Contains(a.Body, name) || strings.Contains(a.Body, "<b>Co") {
			t.Errorf("%s: %s", path, a)
		}
	}
	if script == "" {
		t.Fatal("no script on the page")
	}
	c.Get(script).OK()
}
