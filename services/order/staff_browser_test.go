package order

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

var (
	pictures  = flag.Bool("pictures", false, "write the pictures of docs/admin")
	shipments = flag.Int("shipments", 50, "orders that are shipped by keyboard")
)

// policy is the content security policy under which services/admin shows its pages.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'"

// office serves order's pages to a browser as services/admin does, for one person who has signed
// in.
func (e *env) office(roles ...adminui.Role) *httptest.Server {
	e.t.Helper()
	who := e.client.AsStaff("order", roles...).Staff
	staff := testenv.Mount(e.t, "order", e.server.staff(), http.NotFoundHandler())
	var mu sync.Mutex
	notice := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		switch {
		case strings.HasPrefix(r.URL.Path, "/static/"):
			adminui.Static(w, r)
			return
		case r.URL.Path == "/live":
			w.WriteHeader(http.StatusNoContent)
			return
		case slices.ContainsFunc(othersPaths, func(path string) bool { return strings.HasPrefix(r.URL.Path, path) }):
			others(w, r)
			return
		}

		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}

		mu.Lock()
		defer mu.Unlock()
		id := who.Identity
		id.Notice, notice = notice, ""
		r.URL.Path, r.Body = adminui.Prefix+r.URL.Path, io.NopCloser(bytes.NewReader(body))
		if err := adminui.Sign(r, who.Key, "order", body, id); err != nil {
			e.t.Error(err)
		}
		staff.ServeHTTP(w, r)
		notice = adminui.DecodeNotice(w.Header().Get(adminui.NoticeHeader))
	}))
	e.t.Cleanup(server.Close)
	return server
}

// othersPaths are the paths of the parts that other services show on order's pages and beside the
// navigation.
var othersPaths = []string{"/counts", "/mails/", "/audit/", "/customers/", "/stripe/"}

// others answers for the other services.
func others(w http.ResponseWriter, r *http.Request) {
	answer := `<p class="hint">Another service shows its part here.</p>`
	if r.URL.Path == "/counts" {
		answer = "{}"
	}
	io.WriteString(w, answer) //nolint:errcheck // the browser has left the page
}

// shows opens a page, checks it, and keeps a picture of it.
func shows(t *testing.T, tab *browsertest.Tab, width int64, look, path, name string) {
	t.Helper()
	tab.Go(path)
	tab.Until("the page is there", "document.readyState === 'complete' && document.querySelector('main h1')")
	tab.Axe(look + " " + path)
	tab.Until(path+" is not wider than the screen", "document.documentElement.scrollWidth <= innerWidth")
	tab.Until(path+" shows each cell that says something",
		"[...document.querySelectorAll('td')].every(c => c.offsetParent || c.querySelector('.none') || !c.textContent.trim())")
	if !*pictures {
		return
	}
	height, err := strconv.ParseFloat(tab.Read("`${Math.min(document.documentElement.scrollHeight, 2400)}`"), 64)
	if err != nil {
		t.Fatal(err)
	}
	shot := browsertest.Call(tab, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "webp", CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: float64(width), Height: height, Scale: 1}})
	if err := os.WriteFile(filepath.Join("../../docs/admin", name+"-"+look+".webp"), shot.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rich makes an order with everything that an order's page can show, and returns its identifier.
func (e *env) rich() string {
	e.t.Helper()
	p := e.visitor()
	p.add("6", "3")
	p.add("1", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	c := p.quoted("ann@mail.example.com")
	e.mustHandle(event("evt_rich", completed, c, nil))
	id := e.Text(`SELECT identifier FROM orders WHERE checkout_id = $1`, c.ID)
	on, desk, ctx := Order{Identifier: id}, e.server.desk, e.t.Context()

	to := msg.Address{Name: "Pat's Office", Line1: "14 Elm Street", City: "Springfield", State: "IL", Zip: "62704", Country: "US",
		CountryCode: "US"}
	err := desk.Readdress(ctx, kim, Readdress{on, to})
	if err == nil {
		var wrong string
		if wrong, err = desk.Ship(ctx, kim, Parcel{Order: on, Tracking: "1Z999AA10123456700"}); err == nil {
			err = desk.Undo(ctx, kim, on, wrong)
		}
	}

	if err == nil {
		_, err = desk.Ship(ctx, kim, Parcel{Order: on, Method: "UPSGround", Tracking: "1Z999AA10123456784", Lines: []Pieces{{0, 2}}})
	}
	if err == nil {
		_, err = desk.Refund(ctx, kim, Refund{Order: on, Lines: []Pieces{{0, 1}}, Reason: "requested_by_customer",
			Note: "One was bent.", Restock: true})
	}
	if err != nil {
		e.t.Fatal(err)
	}

	e.Exec(`INSERT INTO dispute (id, payment_intent, amount, withdrawn, moves, currency, reason, status, due_by, created_at)
		SELECT 'dp_1', payment_intent, 100, 100, 1, 'usd', 'product_not_received', 'needs_response', now() + interval '6 days', now()
		FROM orders WHERE identifier = $1`, id)
	e.staff(adminui.Owner).Post("/staff/orders/"+id+"/notes", "text", "Rang about the blue one.\nWill ring again on Monday.").OK()
	return id
}

// Every page, in both color schemes, on a desktop and on a phone, has no fault that axe finds, is
// no wider than the screen, and writes nothing to the console, under the strict policy.
func TestStaffPagesForEveryone(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.placed(40)
	id := e.rich()
	plain := e.sold("ann@mail.example.com", "2")
	e.staff(adminui.Owner).Post("/staff/orders/views", "name", "To pack", "query", "status=packing").OK()
	server := e.office(adminui.Owner)
	for look, as := range map[string]browsertest.Look{"desk": browsertest.Desktop, "phone-dark": browsertest.PhoneDark} {
		t.Run(look, func(t *testing.T) {
			tab := browsertest.Open(t, server.URL, as)
			tab.Expect("409", "422")
			for _, p := range []struct{ path, name string }{
				{"/orders?status=packing", "orders-of-a-status"}, {"/orders/" + id, "order"},
				{"/orders/" + plain + "/ship", "ship-one"}, {"/orders/" + id + "/refund", "refund"},
				{"/orders/" + plain + "/cancel", "cancel"}, {"/orders/" + plain + "/address", "address"},
				{"/orders/ship", "ship-many"}, {"/orders/slips?id=" + id + "&id=" + plain, "slips"},
				{"/orders/pick?id=" + id + "&id=" + plain, "pick-list"},
				{"/settings", "settings"}, {"/settings/checkout", "settings-checkout"}, {"/settings/taxes", "settings-taxes"},
				{"/settings/automatic-mails", "settings-automatic-mails"}, {"/settings/shop", "settings-shop"},
				{"/settings/shipping", "settings-shipping"},
				{"/settings/shipping/2", "settings-shipping-method"}, {"/settings/weights", "settings-weights"},
				{"/settings/statuses", "settings-statuses"}, {"/settings/statuses/packing", "settings-status"},
			} {
				shows(t, tab, as.Width, look, p.path, p.name)
			}
		})
	}
}

// A list does not change while a person works in it: it announces that there is something new, and
// shows it on request.
func TestListAnnouncesNewOrders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.placed(3)
	office, news := e.office(adminui.Fulfilment), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live" {
			office.Config.Handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case <-news:
				fmt.Fprint(w, "event: changed\ndata: order\n\n")
				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	}))

	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	tab := browsertest.Open(t, server.URL, browsertest.Desktop)
	tab.Go("/orders")
	tab.Until("the list is there", "document.querySelectorAll('tbody tr').length === 3")
	tab.Click(".choose input")
	e.sold("ann@mail.example.com", "1")
	news <- struct{}{}

	tab.Says(".news", "There is something new.")
	tab.Axe("a list with news")
	tab.Until("the list and what was chosen stay", "document.querySelectorAll('tbody tr').length === 3 && "+
		"document.querySelectorAll('.choose input:checked').length === 1")
	tab.Click(".news a")
	tab.Until("the new order is there", "document.querySelectorAll('tbody tr').length === 4 && !document.querySelector('.news')")
	e.sold("bob@mail.example.com", "1")
	news <- struct{}{}
	tab.Until("it comes by itself", "document.querySelectorAll('tbody tr').length === 5 && !document.querySelector('.news')")
}

// Orders are shipped with the keyboard alone, as a scanner types: fifty within a minute.
func TestStaffShipByKeyboard(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.placed(*shipments)
	tab := browsertest.Open(t, e.office(adminui.Fulfilment).URL, browsertest.Desktop)
	begun := time.Now()
	tab.Go("/orders")
	tab.Until("the list is there", "document.readyState === 'complete' && document.querySelector('tbody tr')")
	tab.Press("s")
	tab.Until("the first field has the focus", "document.activeElement.name === 'tracking' && document.readyState === 'complete'")
	for n := range *shipments {
		tab.Press(fmt.Sprintf("1Z%04d\r", n))
	}
	tab.Until("the button has the focus", "document.activeElement.matches('[data-last]')")
	tab.Press("\r")
	tab.Says(".notice", fmt.Sprintf("Sent %d parcels", *shipments))
	took := time.Since(begun)
	if took > 60*time.Second {
		t.Errorf("%d orders took %s", *shipments, took)
	}
	if n := e.Number(`SELECT count(DISTINCT tracking_number) FROM shipment`); n != *shipments {
		t.Errorf("%d parcels, want %d", n, *shipments)
	}
	t.Logf("%d orders shipped in %s", *shipments, took)
}

// Without scripts an order can still be shipped, undone, refunded and noted.
func TestStaffPagesWithoutScripts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.sold("ann@mail.example.com", "2")
	tab := browsertest.Open(t, e.office(adminui.Owner).URL, browsertest.Phone)
	tab.WithoutScripts()
	says := func(text string) {
		t.Helper()
		tab.Says("main", text)
	}

	tab.Go("/orders/" + id)
	says("Holds up to 30 sheets")
	tab.Click(`a[href="/orders/` + id + `/ship"]`)
	says("left to send")
	tab.Enter("#form-tracking", "1Z9")
	tab.Click("#form button")
	says("until then it can be undone")
	tab.Click(`form[action$="/undo"] button`)
	says("Shipment undone")

	tab.Click(`a[href="/orders/` + id + `/refund"]`)
	says("Less than the items chosen above")
	tab.Enter("#form-amount", "1.00")
	tab.Click("#form button")
	says("It comes to 1.00 of the")
	tab.Click("#form button.primary")
	says("on its way to Stripe")
	tab.Enter("#note-text", "Rang.")
	tab.Click("#note button")
	says("Note added")
}
