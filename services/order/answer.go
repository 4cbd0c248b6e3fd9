package order

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Answers are structs that name their fields as the contract does (services/order/openapi.yaml),
// the outcome first. Objects whose keys are numbers or identifiers keep their order as a
// web.Object.

// versioned ends every answer under /order.
type versioned struct {
	Version web.APIVersion `json:"order-api-version"`
}

// answer is a success: 200.
func answer(w http.ResponseWriter, v any) error { return web.JSON(w, http.StatusOK, v) }

// refusalErrors is the body of a refusal. Old pages read the code (and texts at most); the other
// fields are for newer pages.
type refusalErrors struct {
	Error           string               `json:"error"`
	Description     string               `json:"description,omitempty"`
	Reason          string               `json:"reason,omitempty"`
	Payment         string               `json:"payment,omitempty"` // state of a debit, or withStaff
	OrderIdentifier string               `json:"order_identifier,omitempty"`
	PendingTotal    *money.Cents         `json:"pending_total,omitempty"`
	Old             *web.OrEmpty[quoted] `json:"old,omitempty"`
	New             *quoted              `json:"new,omitempty"`
}

// quoted is what a confirm page showed, or should show.
type quoted struct {
	Total          money.Cents `json:"total"`
	ShippingMethod string      `json:"shipping_method"`
	Quote          string      `json:"quote,omitempty"`
}

// The codes of the contract's refusals.
const (
	codeCartNotFound        = "cart-not-found"
	codeCartIsEmpty         = "cart-is-empty"
	codeCartSKUNotFound     = "cart-sku-not-found"
	codeNotInStock          = "cart-item-not-in-stock"
	codeDiscountNotFound    = "cart-discount-code-not-found"
	codeDiscountNotActive   = "cart-discount-code-not-active"
	codeDiscountApplied     = "cart-discount-code-already-applied"
	codeDiscountRequired    = "discount-code-required"
	codeSKUIDRequired       = "sku-id-required"
	codeSKUNotFound         = "sku-not-found"
	codeAddressRequired     = "anonymous-email-address-required"
	codeAddressOfMember     = "email-address-is-associated-with-member"
	codeCheckoutNotAllowed  = "checkout-not-allowed"
	codeUnexpected          = "unexpected-error"
	codeStripeError         = "stripe-error"
	codeTermsRequired       = "terms-of-sale-agreement-required"
	codeSessionIDRequired   = "session-id-required"
	codeInvalidSession      = "invalid-session"
	codePaymentNotCompleted = "payment-not-completed"
	codeOrderNotFound       = "order-not-found"
	codeOrderNotInAccount   = "order-not-in-account"
	codeLogInRequired       = "log-in-required-to-view-order"
	codeShippingRequired    = "shipping-method-required"
	codeShippingIDRequired  = "shipping-method-identifier-required"
	codeShippingNotSet      = "error-setting-cart-shipping-method"
	codeProductNotFound     = "product-identifier-not-found"
	codeQuoteChanged        = "quote-changed"
)

// refuse is the contract's refusal: 200, "error" under the endpoint's key, a code, then echoes.
func refuse(w http.ResponseWriter, endpoint, code string, echo ...web.Field) error {
	return refuseWith(w, endpoint, refusalErrors{Error: code}, echo...)
}

// refuseWith is refuse with more than a code.
func refuseWith(w http.ResponseWriter, endpoint string, errs any, echo ...web.Field) error {
	fields := append(web.Object{{Key: endpoint, Value: "error"}, {Key: "errors", Value: errs}}, echo...)
	return answer(w, append(fields, web.Field{Key: "order-api-version", Value: web.APIVersion{}}))
}
