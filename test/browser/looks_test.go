package browser

import (
	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

// Every page of a shop in use is accessible in light and dark, on a phone and on a desktop.
func accessible(look browsertest.Look, name string) func(e *env) {
	return func(e *env) {
		b := e.open(look)
		b.Expect("404") // the page for unknown addresses is one of them
		page := func(path string) {
			b.Visit(path)
			b.Axe(path)
		}
		for _, path := range []string{"/", "/products", "/login", "/create-account", "/forgot-username", "/reset-password",
			"/set-new-password", "/about",
			"/contact", "/pythonabot", "/terms-of-use", "/terms-of-sale", "/privacy-policy", "/error", "/nowhere", "/account",
			"/account/email-unsubscribe?token=x"} {
			page(path)
		}
		put(b, rubberBands, "2")
		b.Axe("product, added")
		page("/product/" + binderClips)
		page("/cart")
		b.Enter("#code", "WELCOME10")
		b.Click("#code-form button[type=submit]")
		b.Says("#codes", "applied")
		b.Axe("cart with a code")
		page("/checkout/confirm")
		b.Enter("#guest-email", name+"@mail.example.com")
		b.Click("#guest-form button")
		b.Visible("#pay-form")
		b.Axe("confirm, ready to pay")
		b.Click("#agree")
		b.Click("#pay")
		id := session(b)
		b.Axe("payment page")
		b.Click("#pay")
		b.Visible("#problem")
		b.Axe("payment page, refused")
		e.shop.Pay(id, nil)
		page("/checkout/success?session_id=unknown")
		b.Go("/checkout/success?session_id=" + id)
		orderShown(b)
		b.Axe("order")
		b.Go(e.shop.StandIn + "/")
		b.Axe("the stand-in's dashboard")
		e.mailed(name+"@mail.example.com", orderLink)
		b.Go(e.shop.Inbox + "/")
		b.Axe("inbox")

		register(b, name)
		b.Axe("account")
		for _, path := range []string{"/account/edit-my-information", "/account/change-password", "/account/edit-communication-preferences",
			"/contact"} {
			page(path)
		}
		b.Click("#chat-open")
		b.Until("the chat is ready", `!document.querySelector('#chat-form button').disabled`)
		b.Axe("chat")
	}
}
