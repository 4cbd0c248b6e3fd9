package browser

import (
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

// A visitor and a member write to the staff of the shop, who are notified by mail.
func chats(e *env) {
	b := e.open(browsertest.Phone)
	b.Visit("/about")
	agreeToBanner(b)
	b.Click("#chat-open")
	b.Click("#chat-form button[type=submit]")
	b.Visible("#chat-message-error")
	b.Fill("#chat-name", "Pat", "#chat-email", "chat@mail.example.com", "#chat-message", "Do you sell <b>red</b> clips?")
	b.Click("#chat-form button[type=submit]")
	b.Visible("#chat-done")
	b.Click("#chat-close")

	// The mail to staff leaves out the message, which may be confidential. They read it in the back
	// office.
	for _, m := range e.shop.WaitMails("staff@startupwebapp.example", 1, browsertest.Timeout) {
		if !strings.Contains(m.Text, "left a chat message") || strings.Contains(m.Text, "red") {
			e.Errorf("staff are mailed\n%s", m.Text)
		}
	}

	if n := e.shop.Count("user", "SELECT count(*) FROM chat_message WHERE email = 'chat@mail.example.com' AND message = 'Do you sell "+
		"<b>red</b> clips?'"); n != 1 {
		e.Errorf("%d messages are kept, want 1", n)
	}

	// A member.
	register(b, "chat_ann")
	b.Click("#chat-open")
	b.Until("the chat knows the member", `document.querySelector('#chat-email').value === 'chat_ann@mail.example.com'`)
	b.Enter("#chat-message", "Hello again")
	b.Click("#chat-form button[type=submit]")
	b.Visible("#chat-done")
}

// The waiting list takes an address once, and shows mistakes beside the field.
func waitingList(e *env) {
	b := e.open(browsertest.PhoneDark)
	b.Visit("/pythonabot")
	agreeToBanner(b)
	b.Enter("#email", "nobody")
	b.Click("#form button")
	b.Visible("#email-error")
	b.Visible("#excited-error")
	b.Axe("waiting list, refused")
	b.Enter("#email", "list@mail.example.com")
	b.Click(`.scale label:has(input[value="4"])`)
	b.Click("#form button")
	b.Visible("#done")
	b.Visit("/pythonabot")
	b.Enter("#email", "list@mail.example.com")
	b.Click(`.scale label:has(input[value="1"])`)
	b.Click("#form button")
	b.Says("#email-error", "on the list already")
}

// Only items in stock can be bought. Once the last pieces are sold, every page says sold out.
func stockStates(e *env) {
	b := e.open(browsertest.Desktop)
	b.Visit("/product/" + paperClips)
	b.Click(`.option:has(input[value="2"])`)
	b.Says("#stock-title", "Back Ordered")
	b.Says("#stock-note", "On its way")
	b.Gone("#buy-row")
	b.Visit("/product/" + binderClips)
	b.Click(`.option:has(input[value="5"])`)
	b.Says("#stock-title", "Out of Stock")
	b.Gone("#buy-row")

	// Two large ones arrive.
	e.shop.Exec("order", "UPDATE sku SET inventory_id = 1, stock = 2 WHERE id = 4")
	seen := func(state string) {
		e.Helper()
		e.shop.Eventually(browsertest.Timeout, "the product page says "+state, func() bool {
			b.Visit("/product/" + binderClips)
			return b.Read(`document.querySelector('input[value="4"]').dataset.stateTitle`) == state
		})
	}
	seen("In Stock")
	slow := e.open(browsertest.Phone)
	slow.Visit("/product/" + binderClips)
	agreeToBanner(slow)
	slow.Click(`.option:has(input[value="4"])`)
	slow.Click("#add")
	slow.Visible("#added")

	b.Click(`.option:has(input[value="4"])`)
	b.Enter("#quantity", "2")
	b.Click("#add")
	b.Visible("#added")
	confirmAsGuest(b, "stock@mail.example.com")
	payOnPage(b, goodCard)
	orderShown(b)
	seen("Out of Stock")

	slow.Visit("/cart")
	slow.Visible("#blocked")
	slow.Gone("#checkout")
	slow.Axe("cart with a line out of stock")
	slow.Visit("/checkout/confirm")
	slow.Visible("#blocked")
	slow.Gone("#pay-form")
}
