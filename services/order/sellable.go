package order

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

var checkoutRefused = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "shop_checkout_refused_total",
	Help: "Carts that could not be sold although a shopper wanted to pay, by reason.",
}, []string{"reason"})

// notSold is the error of a cart that cannot be paid for, however often it is tried. The shopper
// reads text under one of the contract's codes; staff read reason in the log and as the metric's
// label, so there are few different ones. reason is empty if only the shopper can do something
// about it.
type notSold struct {
	code, text string
	reason     string
	cause      error
}

// Error implements error.
func (n *notSold) Error() string {
	if n.cause == nil {
		return "not sold: " + n.reason
	}
	return "not sold: " + n.reason + ": " + n.cause.Error()
}

// Unwrap is for errors.Is and errors.As.
func (n *notSold) Unwrap() error { return n.cause }

const (
	textNoShipping = "We cannot ship anything at the moment, so we cannot sell it either. Your cart is as it was; " +
		"please write to us, or look in again later."
	textManyItems = "One payment takes at most %d different items, shipping included. Please take some out of your " +
		"cart and order them separately."
	textDearItem   = "“%s” costs more than one payment can take (%s %s). Please write to us if you want to buy it."
	textSmallTotal = "Your total is %s %s, and the least that can be paid is %s. Please add something to your cart."
	textLargeTotal = "Your total of %s %s is more than one payment can take (%s). Please take something out of your " +
		"cart, or write to us."
	textUnsellable = "Our payment service does not take this cart as it is, and trying again will not help. Your " +
		"cart is as it was. We have been told; please write to us if you want to buy it."
)

// sellable says why no payment page can be made for a checkout. Stripe would refuse it in words
// that help neither the shopper nor staff.
func (c checkout) sellable() error {
	if c.Quote.Shipping == nil { // everything that this shop sells is shipped
		return &notSold{code: codeShippingRequired, text: textNoShipping, reason: "no-shipping-method"}
	}
	items := len(c.Quote.Lines)
	if c.ShippingSubtotal > c.ShippingDiscount {
		items++
	}
	if items > stripe.MaxLines {
		return &notSold{code: codeStripeError, text: fmt.Sprintf(textManyItems, stripe.MaxLines),
			reason: "too-many-items"}
	}

	for _, l := range c.Quote.Lines {
		if l.Price > stripe.MaxTotal {
			return &notSold{code: codeStripeError,
				text:   fmt.Sprintf(textDearItem, l.ProductTitle, stripe.MaxTotal, currencyWord),
				reason: "price-too-high"}
		}
	}

	switch {
	case c.Total > 0 && c.Total < stripe.MinTotal:
		return &notSold{code: codeStripeError,
			text: fmt.Sprintf(textSmallTotal, c.Total, currencyWord, stripe.MinTotal), reason: "total-too-low"}
	case c.Total > stripe.MaxTotal, c.ItemDiscount > stripe.MaxTotal,
		c.ShippingSubtotal-c.ShippingDiscount > stripe.MaxTotal:
		return &notSold{code: codeStripeError,
			text: fmt.Sprintf(textLargeTotal, c.Total, currencyWord, stripe.MaxTotal), reason: "total-too-high"}
	}
	return nil
}

// currencyWord is the name of the currency in texts.
const currencyWord = "USD"

// permanent turns a refusal of Stripe's that would be the same the next time into one that the
// shopper understands; it returns other errors unchanged.
func permanent(err error) error {
	switch s := stripe.Status(err); {
	case s < 400 || s >= 500: // a failure of Stripe's, or no answer
		return err
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusConflict,
		s == http.StatusTooManyRequests:
		return err // a wrong key, or a temporary conflict
	default:
		return &notSold{code: codeStripeError, text: textUnsellable, reason: "stripe-" + strconv.Itoa(s), cause: err}
	}
}

func isNotSold(err error) bool {
	_, ok := errors.AsType[*notSold](err)
	return ok
}

// answerNotSold tells shopper and staff why a cart is not sold; false if err is of another kind.
func (s *server) answerNotSold(w http.ResponseWriter, r *http.Request, endpoint string,
	err error) (answered bool, _ error) {
	n, ok := errors.AsType[*notSold](err)
	if !ok {
		return false, nil
	}
	if n.reason != "" {
		checkoutRefused.WithLabelValues(n.reason).Inc()
		s.log.WarnContext(r.Context(), "a cart cannot be sold", "reason", n.reason, "error", err)
	}
	return true, refuseWith(w, endpoint, refusalErrors{Error: n.code, Description: n.text})
}
