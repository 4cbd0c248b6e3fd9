package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// callShop makes a request without cookies.
func callShop(t *testing.T, method, url, contentType, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, readAll(t, answer)
}

// A mail bomb of what every visitor can request: as many accounts with another person's address as
// the shop allows, and all the mails that they can cause. The victim gets five mails, and still the
// receipt of a purchase.
func TestMailBombing(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	const victim = "victim@mail.example.com"
	spellings := []string{victim, "Victim@mail.example.com", "VICTIM@MAIL.EXAMPLE.COM", "victim@Mail.Example.com"}

	made := 0
	for i := range 12 {
		b := shop.Browser()
		name, address := fmt.Sprint("bomber_", i), spellings[i%len(spellings)]
		a := b.Post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name, "email_address", address,
			"password", "Secret!word1", "confirm_password", "Secret!word1", "newsletter", "true", "remember_me", "false")
		if strings.Contains(string(a.Body), `"create_account":"true"`) {
			made++
		}
		b.Get("/user/verify-email-address")
		b.Post("/user/forgot-username", "email_address", address)
		b.Post("/user/reset-password", "username", name, "email_address", address)
	}
	if made != 3 {
		t.Errorf("%d accounts, want 3", made)
	}

	buyer := shop.Browser()
	shop.Pay(buyer.Checkout("7", "1", victim), nil)
	shop.Eventually(60*time.Second, "every command is a row, and none waits", func() bool {
		return shop.Count("user", `SELECT (SELECT count(*) FROM mail_request) + (SELECT count(*) FROM outbox WHERE subject LIKE `+
			`'mail.%')`) == 0 &&
			shop.Count("mailer", `SELECT count(*) FROM delivery WHERE state = 'queued'`) == 0 &&
			shop.Count("mailer", `SELECT count(*) FROM delivery WHERE kind LIKE 'order-%' AND state = 'sent'`) == 1
	})

	mails := 0
	for _, address := range spellings {
		for _, m := range shop.Mails(address) {
			if m.To[0] == address {
				mails++
			}
		}
	}
	if sent := shop.Count("mailer", `SELECT count(*) FROM delivery WHERE state = 'sent'`); sent != 6 || mails > sent {
		t.Errorf("%d mails were sent, want 5 and the receipt; %d arrived", sent, mails)
	}
	if n := shop.Count("mailer", `SELECT count(*) FROM delivery WHERE state = 'suppressed'`); n < 10 {
		t.Errorf("%d mails are noted as suppressed", n)
	}
}

var listUnsubscribe = regexp.MustCompile(`(?s)List-Unsubscribe:\s+<([^>]+)>`)

// A mail program presses a newsletter's unsubscribe button: a POST to the address in the header.
func TestOneClickUnsubscribesThroughTheShop(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	const address = "reader@mail.example.com"
	b := shop.Browser()
	b.Want(b.Post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", "reader_ann", "email_address", address,
		"password", "Secret!word1", "confirm_password", "Secret!word1", "newsletter", "true", "remember_me", "false"), "true",
		"create_account")
	shop.Eventually(30*time.Second, "mailer knows the reader",
		func() bool { return shop.Count("mailer", `SELECT count(*) FROM recipient WHERE newsletter`) == 1 })

	sendCampaign(t, shop, 2) // the campaign for members
	var raw string
	shop.Eventually(30*time.Second, "the newsletter", func() bool {
		for _, m := range shop.Mails(address) {
			_, raw = callShop(t, http.MethodGet, shop.Inbox+"/mails/"+m.ID+"/raw", "", "")
			if strings.Contains(raw, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") {
				return true
			}
		}
		return false
	})

	found := listUnsubscribe.FindStringSubmatch(raw)
	if found == nil {
		t.Fatalf("no address to unsubscribe:\n%s", raw)
	}
	link := strings.Join(strings.Fields(found[1]), "")

	subscribed := func() int {
		return shop.Count("user", `SELECT count(*) FROM account WHERE newsletter AND NOT unsubscribed`)
	}
	// The reader subscribes again, which replaces the token. Scanners that follow the old link
	// change nothing.
	for _, unsubscribe := range []string{"true", "false"} {
		b.Want(b.Post("/user/update-communication-preferences", "newsletter",
			map[string]string{"true": "false", "false": "true"}[unsubscribe], "email_unsubscribe", unsubscribe,
			"no_longer_want_to_receive", "false", "never_signed_up", "false", "inappropriate", "false", "spam", "false", "other", ""),
			"success", "update_communication_preferences")
	}

	if status, _ := callShop(t, http.MethodGet, link, "", ""); status != 200 || subscribed() != 1 {
		t.Errorf("GET: %d, subscribed %d", status, subscribed())
	}
	for range 2 {
		if status, text := callShop(t, http.MethodPost, link, "application/x-www-form-urlencoded",
			"List-Unsubscribe=One-Click"); status != 200 || subscribed() != 0 {
			t.Errorf("POST: %d %s, subscribed %d", status, text, subscribed())
		}
	}
}
