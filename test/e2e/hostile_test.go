package e2e

import (
	"encoding/csv"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// mark begins the hostile texts of a shopper: a tag on a page, a formula in a spreadsheet.
const mark = `="><b id=odd>`

// hostile are the texts of a shopper that staff see, by where they were entered.
var hostile = []string{"payer", "line1", "line2", "town", "message", "button", "failure", "address", "reason", "agent"}

// enters puts a mark into every text that a shopper may choose freely; names of members and
// addresses of mail may not contain one. It returns a session that was paid normally.
func enters(t *testing.T, shop *shoptest.Shop) (session string) {
	t.Helper()
	const address, password = "odd+1@mail.example.com", "Secret!word1"
	payer := []byte(`{"email":"` + address + `","name":` + strconv.Quote(mark+"payer") + `,"phone":"+1555","address":{"line1":` +
		strconv.Quote(mark+"line1") + `,"line2":` + strconv.Quote(mark+"line2") + `,"city":` + strconv.Quote(mark+"town") +
		`,"state":"` + `=NY` + `","postal_code":"+12207","country":"US"}}`)

	// A member.
	b := shop.Browser()
	b.Want(b.Post("/user/create-account", "firstname", "Odd", "lastname", "One", "username", "oddone", "email_address", address,
		"password", password, "confirm_password", password, "newsletter", "true", "remember_me", "false"), "true", "create_account")
	shop.Eventually(30*time.Second, "the mail with the link", func() bool {
		for _, m := range shop.Mails(address) {
			if found := verification.FindStringSubmatch(m.Text); found != nil {
				b.Want(b.Post("/user/verify-email-address-response", "email_verification_code", found[1]), "success",
					"verify_email_address_response")
				return true
			}
		}
		return false
	})

	// An order, a message and a reason.
	session = b.Checkout("6", "2", "")
	shop.Pay(session, payer)
	b.Want(b.Success(session), "success", pageOfSuccess)
	b.Want(b.Post("/user/put-chat-message", "name", "Odd", "email_address", address, "message", mark+"message"), "true", "put_chat_message")
	b.Want(b.Post("/user/update-communication-preferences", "newsletter", "false", "email_unsubscribe", "true",
		"no_longer_want_to_receive", "true", "never_signed_up", "false", "inappropriate", "false", "spam", "false",
		"other", mark+"reason"), "success", "update_communication_preferences")

	// Client events.
	for path, query := range map[string]url.Values{
		"pageview":    {"url": {"/" + mark + "address"}, "pageWidth": {"400"}, "referrer": {"http://" + mark}},
		"buttonclick": {"url": {"/cart"}, "button_id": {mark + "button"}},
		"ajaxerror":   {"url": {"/cart"}, "error_id": {mark + "failure"}},
		"linkevent":   {"url": {"/?ad_cd=" + mark}, "ad_cd": {mark}, "mb_cd": {mark}, "pr_cd": {mark}, "em_cd": {mark}},
	} {
		b.Get("/clientevent/" + path + "?client_event_id=null&" + query.Encode())
	}
	// A search keeps only words, and characters that begin a formula.
	b.Get("/clientevent/buttonclick?" + url.Values{"url": {"/search?q=-2-3"}, "button_id": {"search-empty"}}.Encode())

	agent, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.URL+"/clientevent/pageview?url=%2F&pageWidth=400", nil)
	if err != nil {
		t.Fatal(err)
	}
	agent.Header.Set("User-Agent", mark+"agent")
	if _, err := b.Do(agent); err != nil {
		t.Fatal(err)
	}
	// A payment that makes no order, with the payer's texts in it.
	stuck := shop.Browser().Checkout("6", "1", "stuck@mail.example.com")
	shop.Exec("order", `UPDATE checkout SET total = total + 1, shipping_subtotal = shipping_subtotal + 1 WHERE session_id = $1`, stuck)
	shop.Pay(stuck, payer)
	return session
}

// A shopper's texts are harmless text on every page that staff can reach from the home page, in the
// mails shown there, and in every file. The test opens each of them and finds each text, so it is
// not blind.
func TestHostileTextsInTheBackOffice(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: []string{soonTold, "LOG_LEVEL=warn"}})
	session := enters(t, shop)

	payment := shop.Session(session).PaymentIntent
	shop.StripeDo("/_/payments/"+payment+"/dispute", "")
	shop.Eventually(time.Minute, "the payment is with staff, the dispute as well, and figures are counted", func() bool {
		return shop.Count("order", `SELECT count(*) FROM payment_issue`) == 2 &&
			shop.Count("events", `SELECT count(*) FROM recount`) == 0 &&
			shop.Count("events", `SELECT count(*) FROM click`) == 2 && shop.Count("events", `SELECT count(*) FROM page_view`) >= 2
	})
	shop.Quiet(time.Minute)

	o := newOffice(t, shop)
	shop.Exec("admin", `UPDATE session SET fresh_until = now() + interval '1 hour'`) // files of customers require it
	w := &walk{office: o, missing: map[string]bool{}, opened: map[string]int{}, known: map[string]bool{}}
	for _, text := range hostile {
		w.missing[text] = true
	}
	w.from("/", "/trail?key="+session)

	if len(w.missing) > 0 {
		t.Errorf("no page shows what was entered as %v", w.missing)
	}
	if w.guarded == 0 {
		t.Error("no file has a text that would be a formula")
	}
	if w.pages < 100 || w.files < 20 {
		t.Errorf("only %d pages and %d files were opened", w.pages, w.files)
	}
	t.Logf("%d pages, %d files", w.pages, w.files)
}

// walk goes through the back office by its links.
type walk struct {
	*office
	missing      map[string]bool // texts that were on no page so far
	opened       map[string]int  // number of pages by kind
	known        map[string]bool
	pages, files int
	guarded      int // number of files in which a mark is disarmed for spreadsheets
}

// links are the links, panels and frames of a page.
var links = regexp.MustCompile(`(?:href|hx-get|src)="(/[^"#]*)`)

// within finds the document inside a frame.
var within = regexp.MustCompile(`srcdoc="([^"]*)"`)

// own matches the parts of an address that differ between the rows of a list.
var own = regexp.MustCompile(`[0-9A-Z][^/&=?]*|(?:=)[^&]*`)

// maxAlike is how many pages of a kind are opened: one, or several with HOSTILE.
func maxAlike() int {
	if os.Getenv("HOSTILE") != "" {
		return 4
	}
	return 1
}

// from opens pages and everything they link to.
func (w *walk) from(paths ...string) {
	w.Helper()
	for len(paths) > 0 {
		path := html.UnescapeString(paths[0])
		kind := own.ReplaceAllString(path, "*")
		if paths = paths[1:]; w.known[path] || w.opened[kind] >= maxAlike() || strings.HasPrefix(path, "/static/") || path == "/live" {
			continue
		}
		w.known[path] = true
		w.opened[kind]++
		for _, found := range links.FindAllStringSubmatch(w.reads(path), -1) {
			paths = append(paths, found[1])
		}
	}
}

// reads opens a page or a file, and returns its text.
func (w *walk) reads(path string) string {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.shop.Admin+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")

	a, err := w.client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer a.Body.Close() //nolint:errcheck // it was read
	raw, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		w.Errorf("%s answers %d, %v", path, a.StatusCode, err)
		return ""
	}

	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
		w.files++
		w.wantNoFormula(path, string(raw))
		return ""
	}

	w.pages++
	body := string(raw)
	for _, frame := range within.FindAllStringSubmatch(body, -1) {
		body += html.UnescapeString(frame[1])
	}
	if i := strings.Index(body, "<b id=odd"); i >= 0 {
		w.Errorf("%s takes a shopper's text for markup: …%s…", path, body[max(0, i-100):min(len(body), i+60)])
	}
	for text := range w.missing {
		if strings.Contains(html.UnescapeString(body), mark+text) {
			delete(w.missing, text)
		}
	}
	return body
}

// wantNoFormula wants a file without cells that a spreadsheet would run as a formula.
func (w *walk) wantNoFormula(path, body string) {
	w.Helper()
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if strings.Contains(body, "'=") {
		w.guarded++
	}
	if err != nil {
		w.Errorf("%s: %v", path, err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				w.Errorf("%s: a spreadsheet takes %q for a formula", path, cell)
			}
		}
	}
}

// Events at Stripe reach staff within seconds: a refund in its dashboard is on the order's page and
// mailed, a dispute is on the work list with its due date, and a lost one stays there until staff
// close it. The metric of the work list follows, and starts at the 0 that an alarm compares with.
func TestWhatHappensAtStripeReachesStaff(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	buyPromptly(t, shop, "dispute@mail.example.com")
	shop.Quiet(time.Minute)
	o := newOffice(t, shop)
	bought := shop.Orders()[0]
	payment := shop.Session(bought.SessionID).PaymentIntent

	says := func(path string, texts ...string) {
		t.Helper()
		shop.Eventually(10*time.Second, path+" says "+strings.Join(texts, ", "), func() bool {
			w, err := o.client.Get(shop.Admin + path)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Body.Close() //nolint:errcheck // it was read
			body, err := io.ReadAll(w.Body)
			return err == nil && !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(string(body), text) })
		})
	}
	measured := func(waiting string) {
		t.Helper()
		gauge := `shop_work_items{kind="disputes",service="order"} ` + waiting + "\n"
		shop.Eventually(time.Minute, gauge, func() bool {
			w, err := http.Get(shop.Metrics + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer w.Body.Close() //nolint:errcheck // it was read
			body, err := io.ReadAll(w.Body)
			return err == nil && strings.Contains(string(body), gauge)
		})
	}

	// A refund in Stripe's dashboard.
	measured("0")
	page := "/orders/" + bought.Identifier
	shop.StripeDo("/_/payments/"+payment+"/refund", `{"amount":100}`)
	says(page, "Refund of 1.00: succeeded", "Stripe&#39;s dashboard")
	shop.WaitMails("dispute@mail.example.com", 2, time.Minute)

	// A dispute, which is lost.
	shop.StripeDo("/_/payments/"+payment+"/dispute", "")
	says(page, ": needs response")
	says("/work", "Disputes", "Dispute of ", ": the bank waits for an answer", "UTC")
	says("/", "Open disputes")
	shop.StripeDo("/_/payments/"+payment+"/dispute", `{"outcome":"lost"}`)
	says(page, ": lost")
	says("/work", "Disputes", "Dispute of ", " lost", "Mark as seen to")
	measured("1")

	// Staff close it.
	entry := strconv.Itoa(shop.Count("order", `SELECT id FROM payment_issue WHERE reason = 'dispute-lost' AND resolved_at IS NULL`))
	if status := o.sends("/payments/"+entry, "/payments/"+entry+"/resolve", url.Values{}); status != http.StatusSeeOther {
		t.Errorf("seeing to it answers %d", status)
	}
	says("/work", "Nothing is waiting")
}
