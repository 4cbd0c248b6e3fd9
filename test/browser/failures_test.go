package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// Without scripts the catalog is complete, its links work, and it says what is missing to buy.
func withoutScripts(e *env) {
	b := e.open(browsertest.Phone)
	b.WithoutScripts()
	says := func(page string, parts ...string) {
		e.Helper()
		text := b.Text("main")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				e.Errorf("%s without scripts lacks %q:\n%s", page, part, text)
			}
		}
	}
	b.Go("/")
	says("home", "Paper Clips", "Rubber Bands")
	b.Go("/products")
	says("products", "Paper Clips", "$3.50", "Binder Clips", "Rubber Bands", "$14.99")
	b.Do(chromedp.Click(chromedp.CSS(`main a[href*="` + binderClips + `"]`)))
	b.Do(chromedp.WaitVisible(chromedp.CSS("#product")))
	says("product", "Binder Clips", "$3.99", "Out of Stock", "Buying needs JavaScript")
	b.Go("/cart")
	says("cart", "needs JavaScript")
}

// On a slow connection the shop shows that it is working, accepts no second click, and completes
// the purchase.
func slowNetwork(e *env) {
	b := e.open(browsertest.Phone)
	slow := network.Conditions{Latency: 400, DownloadThroughput: 60_000, UploadThroughput: 30_000}
	browsertest.Call(b, network.EmulateNetworkConditionsByRule,
		network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&slow}})
	b.Visit("/product/" + rubberBands)
	agreeToBanner(b)
	b.Visible("#add:not(:disabled)")
	b.Eval(`for (let i = 0; i < 5; i++) document.querySelector('#add').click()`)
	b.Says("#add", "Adding")
	b.Visible("#added")
	b.Visit("/cart")
	b.Says("[data-total=item_subtotal]", "$14.99")
	confirmAsGuest(b, "slow@mail.example.com")
	payOnPage(b, goodCard)
	orderShown(b)
}

// This test has a shop of its own, since its changes would affect all others.
func TestCheckoutWhileServicesFail(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"LOG_LEVEL=error"}})
	e := &env{T: t, shop: shop}
	newTerms(e)
	databaseAway(e)
	shopAway(e)
}

// Members are shown a new version of the terms of use until they agree to it.
func newTerms(e *env) {
	b := e.open(browsertest.PhoneDark)
	register(b, "terms_ann")
	e.shop.Exec("user", "INSERT INTO terms_version (version, note) SELECT max(version) + 1, 'We explain "+
		"<strong>returns</strong>.<script>document.title = 1</script>' FROM terms_version")
	b.Visit("/products")
	b.Visible("#terms-dialog")
	b.Says("#terms-note strong", "returns")
	b.Axe("products with new terms")
	b.Click("#terms-later")
	b.Gone("#terms-dialog")
	b.Visit("/about")
	b.Click("#terms-agree")
	b.Gone("#terms-dialog")
	b.Visit("/account")
	b.Until("the terms are asked for", `performance.getEntriesByType('resource').some((r) => `+
		`r.name.includes('terms-of-use-agree-check') && r.responseEnd > 0)`)
	b.Gone("#terms-dialog")
}

// While the database is down the catalog stays up, and the cart says that the shop has a problem
// and offers to try again. Everything works again once the database is back.
func databaseAway(e *env) {
	b := e.open(browsertest.Desktop)
	put(b, rubberBands, "1")

	b.Expect("503")
	e.database(false)
	e.shop.Eventually(browsertest.Timeout, "the database is away", func() bool {
		return e.shop.Browser().Get("/order/aB3dE5gH7j").Status == http.StatusServiceUnavailable
	})

	b.Go("/cart")
	b.Says("#trouble-text", "on our side")
	b.Axe("cart in trouble")
	b.Go("/product/" + rubberBands)
	b.Says("#price", "$14.99")
	b.Click("#add")
	b.Says("#quantity-error", "on our side")
	b.Go("/cart")
	b.Visible("#trouble-retry")

	// The database is back.
	e.database(true)
	e.shop.Eventually(browsertest.Timeout, "the database is back", func() bool {
		return e.shop.Browser().Get("/order/aB3dE5gH7j").Status == http.StatusOK
	})

	b.Click("#trouble-retry")
	b.Says("#lines", "Rubber Bands")
	confirmAsGuest(b, "weather@mail.example.com")
	payOnPage(b, goodCard)
	orderShown(b)
}

// database allows connections to the shop's database, or ends and refuses them.
func (e *env) database(open bool) {
	e.Helper()
	config, err := pgx.ParseConfig(e.shop.DatabaseURL)
	if err != nil {
		e.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	conn, err := pgx.ConnectConfig(e.Context(), config)
	if err != nil {
		e.Fatal(err)
	}
	defer conn.Close(e.Context()) //nolint:errcheck // nothing is lost with it
	if _, err := conn.Exec(e.Context(), fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", pgx.Identifier{name}.Sanitize(),
		open)); err != nil {
		e.Fatal(err)
	}
	if !open {
		if _, err := conn.Exec(e.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name); err != nil {
			e.Fatal(err)
		}
	}
}

// The shop is killed during a visit. The page says that the shop can't be reached, and once it runs
// again everything is as before.
func shopAway(e *env) {
	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	b.Visit("/product/" + paperClips)
	b.Expect("net::ERR_") // whatever is in flight fails, and so does every request until the restart
	e.shop.Kill()
	b.Click("#add")
	b.Says("#quantity-error", "could not reach the shop")
	e.shop.Again()
	b.Click("#add")
	b.Visible("#added")
	b.Says("#cart-count", "2")
	confirmAsGuest(b, "killed@mail.example.com")
	payOnPage(b, goodCard)
	orderShown(b)
	b.Says("#lines", "Rubber Bands")
	b.Says("#lines", "Paper Clips")
}
