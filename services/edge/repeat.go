package edge

import (
	"net/http"
	"slices"
)

// If a process of an owner dies, no one knows what became of the POST that it was working on. A
// POST is sent to another process (web.Repeatable) if two processes that do all of it, in turn or
// at once, have the same effect as one, and the second answer is as good as the first. Any other is
// answered 503, and the shopper decides.

// posted says whether a POST whose process died is sent again.
type posted struct {
	path  string
	again bool
	why   string
}

// posts are the POSTs of user and order that edge forwards, and why each is sent again or not.
var posts = []posted{
	{"/order/cart-add-product-sku", true, "the line keeps the keys of the last clicks (web.Identity.Click)"},
	{"/order/cart-update-sku-quantity", true, "sets"},
	{"/order/cart-remove-sku", true, "finds no line, which is a success if it was sent again (web.SentAgain)"},
	{"/order/cart-apply-discount-code", true, "finds the code on the cart, which is a success if it was sent again"},
	{"/order/cart-remove-discount-code", true, "what is not on the cart is removed"},
	{"/order/cart-update-shipping-method", true, "sets"},
	{"/order/cart-delete-cart", true, "finds no cart, which is a success if it was sent again"},
	{"/order/anonymous-email-address-payment-lookup", true, "sets; the key of the message to user is of the address"},
	{"/order/create-checkout-session", true, "finds the quote, of which Stripe makes one page"},

	{"/user/login", true, "stamps; edge opens the session, by the one answer that it gets"},
	{"/user/update-my-information", true, "finds nothing to change, and mails nothing"},
	{"/user/terms-of-use-agree", true, "finds the agreement, which is a success if it was sent again"},
	{"/user/create-account", false, "the name would be refused as taken, by the account that was made"},
	{"/user/verify-email-address-response", false, "the code would be refused as used"},
	{"/user/reset-password", false, "a second mail"},
	{"/user/set-new-password", false, "the code would be refused as used"},
	{"/user/forgot-username", false, "a second mail"},
	{"/user/undo-address-change", false, "the code would be refused as used"},
	{"/user/update-communication-preferences", false, "reasons would be kept twice"},
	{"/user/change-my-password", false, "the password would be refused as not the current one"},
	{"/user/email-unsubscribe-confirm", false, "the token is replaced, and only the first answer has the new one"},
	{"/user/email-unsubscribe-why", false, "reasons would be kept twice"},
	{"/user/put-chat-message", false, "a second message, and a second mail to staff"},
	{"/user/pythonabot-notify-me", false, "the address would be refused as on the list"},
}

// mayBeSentAgain reports whether a request is a POST that may be sent to another process.
func mayBeSentAgain(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	i := slices.IndexFunc(posts, func(p posted) bool { return p.path == r.URL.Path })
	return i >= 0 && posts[i].again
}
