package browser

import (
	"github.com/chromedp/chromedp/kb"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

// Everything up to the payment works by keyboard alone. The focus is always visible. It moves to
// new content, to the first mistake, and back to the element that opened a dialog.
func keyboardAlone(e *env) {
	b := e.open(browsertest.Desktop)
	focused := func(selector string) {
		b.Until(selector+" has the focus", `document.activeElement.matches('`+selector+`')`)
	}
	b.Visit("/product/" + paperClips)
	b.TabTo(".skip")
	b.Press(kb.Enter)
	focused("#main")
	b.TabTo(`.thumb[href*="paper_clip_right"]`)
	b.Press(kb.Enter)
	b.Until("the picture is shown", `document.querySelector('#stage-image').src.includes('paper_clip_right')`)
	b.TabTo("input[name=sku_id]")
	b.Press(kb.ArrowDown)
	b.Says("#stock-title", "Back Ordered")
	b.Press(kb.ArrowUp)
	b.Says("#stock-title", "In Stock")
	b.TabTo("#add")
	b.Press(kb.Enter)
	b.Says("#added", "1 × Paper Clips")
	b.TabTo("#terms-banner-agree")
	b.Press(" ")
	focused("#main")

	b.TabTo("#chat-open")
	b.Press(kb.Enter)
	b.Until("the chat is ready", `!document.querySelector('#chat-form button').disabled`)
	b.TabTo("#chat-form button[type=submit]")
	b.Press(kb.Enter)
	focused("#chat-name")
	b.Press(kb.Escape)
	focused("#chat-open")

	b.Visit("/cart")
	b.TabTo(`[aria-label^="One more"]`)
	b.Press(" ")
	b.Says("[data-total=item_subtotal]", "$7.00")
	b.Says("#status", "New total: $16.56")
	b.TabTo("#delete-cart")
	b.Press(kb.Enter)
	b.Visible("#delete-dialog")
	b.Press(kb.Escape)
	b.Gone("#delete-dialog")
	focused("#delete-cart")
	b.TabTo("input[name=shipping_method_identifier]")
	b.Press(kb.ArrowUp)
	b.Says("[data-total=shipping_subtotal]", "$10.85")
	b.TabTo("#checkout")
	b.Press(kb.Enter)
	b.At("/checkout/confirm")
	b.Ready()
	b.TabTo("#guest-email")
	b.Press(kb.Enter)
	b.Visible("#guest-email-error")
	focused("#guest-email")
	b.Press("keys@mail.example.com")
	b.Gone("#guest-email-error")
	b.Press(kb.Enter)
	focused("#receipt-title")
	b.TabTo("#pay")
	b.Press(kb.Enter)
	b.Visible("#agree-error")
	focused("#agree")
	b.Press(" ")
	b.Gone("#agree-error")
	b.TabTo("#pay")
	b.Press(kb.Enter)
	session(b)
}
