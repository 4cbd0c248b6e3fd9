package order

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// The content of the confirm page has a short name, which our own page sends along when the shopper
// goes to pay. If the cart has changed in the meantime, the shopper is shown the change first. The
// name is
//
//	<total in cents>.<hash of the lines>.<hash of everything>.<shipping method>
//
// so that the answer can say what was shown although nothing was stored. The amount in it decides
// nothing: the quote is made from the cart.

// shown is a name in its parts.
type shown struct{ total, lines, all, method string }

// String implements fmt.Stringer.
func (v shown) String() string { return strings.Join([]string{v.total, v.lines, v.all, v.method}, ".") }

// shownOf is the name of contents with their shipping.
func (cc cartContents) shownOf(method *shippingMethod) shown {
	v := shown{total: strconv.FormatInt(int64(cc.totals.Total), 10), lines: shownLines(cc.lines)}
	var applied []int64
	for _, c := range cc.codes {
		if c.Applied {
			applied = append(applied, c.ID)
		}
	}
	if method != nil {
		v.method = method.Identifier
	}
	t := cc.totals
	v.all = shortHash(v.lines, method, applied, t.ItemSubtotal, t.ItemDiscount, t.ShippingSubtotal, t.ShippingDiscount,
		t.Total)
	return v
}

// shownLines is a name for the lines alone: a page requests them and the totals one after the
// other, and can tell from it that nothing changed in between.
func shownLines(lines []line) string {
	var bought []any
	for _, l := range lines {
		if l.Quantity > 0 {
			bought = append(bought, []any{l.SKUID, l.Quantity, l.Price, l.ProductTitle, l.Color, l.Size})
		}
	}
	return shortHash(bought...)
}

func shortHash(values ...any) string {
	raw, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers and texts always marshal
	}
	hash := sha256.Sum256(raw)
	return hex.EncodeToString(hash[:12])
}

// refuseChanged says what changed since a page showed the cart; nil if nothing did, or if the page
// does not say what it showed.
func (cc cartContents) refuseChanged(sent string, method *shippingMethod) *checkoutRefusal {
	now := cc.shownOf(method)
	if sent == "" || sent == now.String() {
		return nil
	}
	before := quoteNamed(sent)
	after := quoted{Total: cc.totals.Total, ShippingMethod: now.method, Quote: now.String()}
	return &checkoutRefusal{code: codeQuoteChanged, text: textChanged(before, after), old: before, now: &after}
}

// quoteNamed is the quote that a name describes; nil if it is not a valid name.
func quoteNamed(name string) *quoted {
	parts := strings.SplitN(name, ".", 4)
	total, err := strconv.ParseInt(parts[0], 10, 64)
	if len(parts) != 4 || err != nil || total < 0 || len(parts[3]) > 100 {
		return nil
	}
	return &quoted{Total: money.Cents(total), ShippingMethod: parts[3]}
}

func textChanged(before *quoted, after quoted) string {
	if before == nil {
		return fmt.Sprintf("Your cart has changed since this page showed it. The total is %v now. Please look at it "+
			"again before you pay.", after.Total)
	}
	text := "Your cart has changed since this page showed it."
	if before.Total != after.Total {
		text += fmt.Sprintf(" The total was %v and is %v now.", before.Total, after.Total)
	}
	if before.ShippingMethod != after.ShippingMethod {
		text += fmt.Sprintf(" The shipping method was %v and is %v now.", before.ShippingMethod, after.ShippingMethod)
	}
	return text + " Please look at it again before you pay."
}

// asksForQuote reports whether a page requests the name of what it shows. Otherwise the answers are
// the contract's alone.
func asksForQuote(r *http.Request) bool { return r.URL.Query().Get("quote") == "true" }

// quoteName is the name of the confirm page's content, for pages that request it, or "".
func (cc cartContents) quoteName(r *http.Request, c *cart) string {
	if c == nil || !asksForQuote(r) {
		return ""
	}
	return cc.shownOf(c.Shipping).String()
}
