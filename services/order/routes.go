package order

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes are the requests that order answers. Edge forwards /order; /internal is for edge and
// mailer alone.
func (s *server) routes(inside ...func(http.Handler) http.Handler) http.Handler {
	r := web.Router("order", s.log)
	r.Use(inside...)
	r.Group(s.mailerRoutes)
	r.Group(s.edgeRoutes)
	return r
}

// mailerRoutes are the requests of mailer.
func (s *server) mailerRoutes(r chi.Router) {
	r.Use(web.RequireIdentity(s.cfg.Key(boot.MailerKey)))
	r.Post("/internal/buyers-among", web.Handle(s.buyersAmong))
	r.Post("/internal/mail-wanted", web.Handle(s.mailWanted))
}

// edgeRoutes are the requests that edge forwards, and those of edge itself.
func (s *server) edgeRoutes(r chi.Router) {
	r.Use(web.RequireIdentity(s.identityKey), web.Outcomes)
	get := func(path string, h web.Handler) { r.Get(path, web.Handle(h)) }
	post := func(path string, h web.Handler) { r.Post(path, web.Handle(h)) }

	get("/order/products", s.products)
	get("/order/product/{identifier:[a-zA-Z0-9]+}", s.product)

	get("/order/cart-items", s.cartItems)
	get("/order/cart-shipping-methods", s.cartShippingMethods)

	get("/order/cart-discount-codes", s.cartDiscountCodes)
	get("/order/cart-totals", s.cartTotals)
	post("/order/cart-add-product-sku", s.cartAddProductSKU)
	post("/order/cart-update-sku-quantity", s.cartUpdateSKUQuantity)
	post("/order/cart-remove-sku", s.cartRemoveSKU)
	post("/order/cart-apply-discount-code", s.cartApplyDiscountCode)
	post("/order/cart-remove-discount-code", s.cartRemoveDiscountCode)
	post("/order/cart-update-shipping-method", s.cartUpdateShippingMethod)
	post("/order/cart-delete-cart", s.cartDeleteCart)

	get("/order/checkout-allowed", s.checkoutAllowed)
	get("/order/confirm-items", s.confirmItems)
	get("/order/confirm-shipping-method", s.confirmShippingMethod)
	get("/order/confirm-discount-codes", s.confirmDiscountCodes)
	get("/order/confirm-totals", s.confirmTotals)
	post("/order/anonymous-email-address-payment-lookup", s.anonymousEmailAddressPaymentLookup)
	get("/order/change-confirmation-email-address", s.changeConfirmationEmailAddress)
	post("/order/create-checkout-session", s.createCheckoutSession)
	get("/order/checkout-session-success", s.checkoutSessionSuccess)

	// Last: any single word that is not one of the paths above.
	get("/order/{identifier:[a-zA-Z0-9]+}", s.orderDetail)

	r.Route("/internal", func(r chi.Router) {
		r.Get("/catalog", web.Handle(s.catalog))
		r.Get("/catalog-search", web.Handle(s.catalogSearch))
		r.Get("/product-preview/{identifier:[a-zA-Z0-9]+}", web.Handle(s.productPreview))
		r.Get("/cart-counts", web.Handle(s.cartCounts))
		r.Post("/cart-merge", web.Handle(s.cartMerge))
		r.Get("/account-orders", web.Handle(s.accountOrders))
		r.Post("/restock-wish", web.Handle(s.wishForRestock))
		r.Post("/restock-refusal", web.Handle(s.refuseRestock))
	})
}
