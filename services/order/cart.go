package order

import (
	"cmp"
	"crypto/rand"
	"math"
	"net/http"
	"regexp"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxPieces is the largest quantity of one line.
const maxPieces = 99

// cart is the head of a cart.
type cart struct {
	ID           int64
	MemberID     *int64
	AnonymousID  *string
	Generation   int
	ReceiptEmail *string
	MemberEmail  string          `db:"-"`
	Shipping     *shippingMethod `db:"-"`
	Pending      *money.Cents    // of a debit for this cart that a bank is still working on
	HasCodes     bool

	settings    map[string]*string // the settings that the caller asked for
	viewUnnoted bool               // no view of the cart has been noted for a day
}

// line is a line of a cart as clients see it, with today's price and state.
type line struct {
	SKUID               int64       `json:"sku_id" db:"sku_id"`
	Type                string      `json:"sku_type__title"`
	InventoryTitle      string      `json:"sku_inventory__title"`
	InventoryIdentifier string      `json:"sku_inventory__identifier,omitempty"`
	Color               *string     `json:"color"`
	Size                *string     `json:"size"`
	Description         *string     `json:"description"`
	Price               money.Cents `json:"price" db:"price_cents"`
	Quantity            int         `json:"quantity"`
	ProductTitle        string      `json:"parent_product__title"`
	ProductTitleURL     string      `json:"parent_product__title_url"`
	ProductIdentifier   string      `json:"parent_product__identifier"`
	ImageURL            string      `json:"sku_image_url"`
	Grams               int         `json:"-"` // grams of one piece
}

// offSale is the stock state of a line whose SKU is no longer sold. It is not a state of a SKU.
const offSale = "off-sale"

// cartContents are a cart's lines and codes with the totals they make.
type cartContents struct {
	lines  []line
	codes  []appliedCode
	totals totals
}

// customer is the name under which uses of a code are counted: the member, else the receipt
// address, else the cart.
func (c *cart) customer() string {
	switch {
	case c.MemberID != nil:
		return "member:" + web.ID(*c.MemberID)
	case c.ReceiptEmail != nil:
		return email.Key(*c.ReceiptEmail)
	}
	return "cart:" + web.ID(c.ID)
}

func (cc cartContents) pieces() (n int) {
	for _, l := range cc.lines {
		n += l.Quantity
	}
	return n
}

// person is the buyer's mailbox, under which uses of a code are counted in addition to customer. It
// is the same for a visitor, a member and further accounts with the same address, and empty until a
// visitor gives an address.
func (c *cart) person() string {
	switch {
	case c.MemberID != nil && c.MemberEmail != "":
		return email.Person(c.MemberEmail)
	case c.MemberID == nil && c.ReceiptEmail != nil:
		return email.Person(*c.ReceiptEmail)
	}
	return ""
}

func (s *server) cartItems(w http.ResponseWriter, r *http.Request) error {
	c, lines, err := findFilledCart(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return err
	}
	return answer(w, struct {
		CartFound bool `json:"cart_found"`
		cartItems
		versioned
	}{CartFound: c != nil, cartItems: itemsOf(c, lines)})
}

// cartItems are the lines of a cart, and the debit for it that a bank is still working on.
type cartItems struct {
	ItemData       itemData        `json:"item_data"`
	PaymentPending *pendingPayment `json:"payment_pending,omitempty"`
}

// itemData is the contract's ItemData: an empty object without a cart.
type itemData struct {
	Lines web.Object `json:"product_sku_data,omitzero"`
}

type pendingPayment struct {
	Total money.Cents `json:"total"`
}

func itemsOf(c *cart, lines []line) (items cartItems) {
	if c == nil {
		return items
	}
	items.ItemData.Lines = web.Numbered(0, lines)
	if c.Pending != nil {
		items.PaymentPending = &pendingPayment{*c.Pending}
	}
	return items
}

// cartTotals uses the default shipping method if none was chosen. A cart page requests totals and
// shipping methods at once and shows the default as chosen: the totals have to fit, whichever
// request comes first.
func (s *server) cartTotals(w http.ResponseWriter, r *http.Request) error {
	c, lines, err := findFilledCart(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		if err := withDefaultShipping(r.Context(), s.pool, c); err != nil {
			return err
		}
	}
	contents, err := withCodes(r.Context(), s.pool, c, lines)
	if err != nil {
		return err
	}
	return answer(w, struct {
		CartFound bool       `json:"cart_found"`
		Totals    totalsData `json:"cart_totals_data"`
		versioned
	}{CartFound: c != nil, Totals: contents.totalsData(c)})
}

// totalsData are the five totals in the contract's types: the number 0 if there is nothing to
// count, otherwise a decimal string.
type totalsData struct {
	ItemSubtotal     any `json:"item_subtotal"`
	ItemDiscount     any `json:"item_discount"`
	ShippingSubtotal any `json:"shipping_subtotal"`
	ShippingDiscount any `json:"shipping_discount"`
	CartTotal        any `json:"cart_total"`
}

func (cc cartContents) totalsData(c *cart) totalsData {
	orZero := func(there bool, amount money.Cents) any {
		if !there {
			return 0
		}
		return amount
	}
	discount, total := any("0"), any("0")
	if cc.totals.ItemDiscount != 0 {
		discount = cc.totals.ItemDiscount
	}
	if len(cc.lines) > 0 || (c != nil && c.Shipping != nil) {
		total = cc.totals.Total
	}
	return totalsData{
		ItemSubtotal:     orZero(len(cc.lines) > 0, cc.totals.ItemSubtotal),
		ItemDiscount:     discount,
		ShippingSubtotal: orZero(c != nil && c.Shipping != nil, cc.totals.ShippingSubtotal),
		ShippingDiscount: orZero(cc.totals.ShippingDiscount != 0, cc.totals.ShippingDiscount),
		CartTotal:        total,
	}
}

// cartChangeAnswer is the end of every answer to a cart change.
type cartChangeAnswer struct {
	Codes  web.Object `json:"discount_code_data"`
	Totals totalsData `json:"cart_totals_data"`
	versioned
}

func (s *server) contentsAfterChange(r *http.Request, c *cart) (cartContents, cartChangeAnswer, error) {
	contents, err := readContents(r.Context(), s.pool, c)
	if err != nil {
		return cartContents{}, cartChangeAnswer{}, err
	}
	return contents, contents.changeAnswer(c), nil
}

func (cc cartContents) changeAnswer(c *cart) cartChangeAnswer {
	return cartChangeAnswer{Codes: cc.codeData(), Totals: cc.totalsData(c)}
}

// integer is a whole number with or without a sign, however large.
var integer = regexp.MustCompile(`^-?[0-9]+$`)

// quantityProblem says what is wrong with a quantity, or "".
func quantityProblem(text string) string {
	if !integer.MatchString(text) {
		return "not_an_int"
	}
	if n, err := strconv.Atoi(text); err != nil || n < 0 || n > maxPieces {
		return "out_of_range"
	}
	return ""
}

// rowID reads an id that a client sent: plain digits that fit a bigint.
func rowID(text string) (int64, bool) {
	n, ok := web.Number(text, math.MaxInt64)
	return n, ok && n > 0
}

func (s *server) cartAddProductSKU(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "cart_add_product_sku"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	text, sent := form.Lookup("sku_id")
	if !sent {
		return refuse(w, endpoint, codeSKUIDRequired, web.Field{Key: "sku_id", Value: nil})
	}

	echo := web.Field{Key: "sku_id", Value: text}
	quantity := form.Get("quantity")
	if problem := quantityProblem(quantity); problem != "" {
		return refuseQuantity(w, endpoint, problem, echo)
	}
	pieces, err := strconv.Atoi(quantity)
	if err != nil {
		return web.BadRequest("quantity")
	}
	sku, ok := rowID(text)
	if !ok {
		return refuse(w, endpoint, codeSKUNotFound, echo)
	}

	who := web.Who(r)
	if !who.Member() && who.Cart == "" {
		who.Cart = cmp.Or(who.Click, rand.Text()) // a repeated click finds the same cart
	}
	outcome, count, err := addLine(r.Context(), s.pool, who, sku, pieces)
	switch {
	case outcome == noSuchSKU:
		return refuse(w, endpoint, codeSKUNotFound, echo)
	case outcome == tooMany:
		return refuseQuantity(w, endpoint, "out_of_range", echo)
	case err != nil:
		return err
	}

	if !who.Member() {
		w.Header().Set(web.SetCartHeader, who.Cart)
	}
	return answer(w, struct {
		Outcome web.Success `json:"cart_add_product_sku"`
		SKUID   string      `json:"sku_id"`
		Lines   int         `json:"cart_item_count"`
		versioned
	}{SKUID: text, Lines: count})
}

var quantityTexts = map[string]string{
	"not_an_int":   "Please enter a whole number.",
	"out_of_range": "Please choose between 0 and 99 pieces, including those already in your cart.",
}

// refuseQuantity nests the problem twice: old pages read errors.quantity[0][0].type.
func refuseQuantity(w http.ResponseWriter, endpoint, problem string, echo web.Field) error {
	type item struct {
		Type        string `json:"type"`
		Description string `json:"description"`
	}
	return refuseWith(w, endpoint, struct {
		Quantity [1][1]item `json:"quantity"`
	}{[1][1]item{{{Type: problem, Description: quantityTexts[problem]}}}}, echo)
}

// cartAndSKU makes the checks that update and remove share: the cart, then sku_id, then its form.
// If it refuses, it has answered and c is nil.
func (s *server) cartAndSKU(w http.ResponseWriter, r *http.Request, endpoint string,
	form web.Values) (c *cart, sku int64, echo web.Field, err error) {
	c, err = findCart(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return nil, 0, echo, err
	}
	if c == nil {
		return nil, 0, echo, refuse(w, endpoint, codeCartNotFound)
	}
	text, sent := form.Lookup("sku_id")
	if !sent {
		return nil, 0, echo, refuse(w, endpoint, codeSKUIDRequired)
	}
	echo = web.Field{Key: "sku_id", Value: text}
	sku, ok := rowID(text)
	if !ok {
		return nil, 0, echo, refuse(w, endpoint, codeCartSKUNotFound, echo)
	}
	return c, sku, echo, nil
}

func (s *server) cartUpdateSKUQuantity(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "cart_update_sku_quantity"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	c, sku, echo, err := s.cartAndSKU(w, r, endpoint, form)
	if err != nil || c == nil {
		return err
	}

	quantity := form.Get("quantity")
	pieces, err := strconv.Atoi(quantity)
	if err != nil || quantityProblem(quantity) != "" {
		return refuse(w, endpoint, codeCartSKUNotFound, echo)
	}
	found, err := setQuantity(r.Context(), s.pool, c.ID, sku, pieces)
	if err != nil {
		return err
	}
	if !found {
		return refuse(w, endpoint, codeCartSKUNotFound, echo)
	}
	contents, after, err := s.contentsAfterChange(r, c)
	if err != nil {
		return err
	}

	if contents.pieces() == 0 {
		s.closeEnded(r.Context(), c.ID)
	}
	return answer(w, struct {
		Outcome     web.Success `json:"cart_update_sku_quantity"`
		CartFound   bool        `json:"cart_found"`
		SKUID       any         `json:"sku_id"`
		SKUSubtotal money.Cents `json:"sku_subtotal"`
		cartChangeAnswer
	}{CartFound: true, SKUID: echo.Value, SKUSubtotal: contents.lineSubtotal(sku), cartChangeAnswer: after})
}

func (cc cartContents) lineSubtotal(sku int64) money.Cents {
	for _, l := range cc.lines {
		if l.SKUID == sku {
			return l.Price.Times(l.Quantity)
		}
	}
	return 0
}

func (s *server) cartRemoveSKU(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "cart_remove_sku"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	c, sku, echo, err := s.cartAndSKU(w, r, endpoint, form)
	if err != nil || c == nil {
		return err
	}
	found, err := removeLine(r.Context(), s.pool, c.ID, sku)
	if err != nil {
		return err
	}
	if !found && !web.SentAgain(r) {
		return refuse(w, endpoint, codeCartSKUNotFound, echo)
	}

	c.Shipping = nil // the chosen method went with the line
	contents, after, err := s.contentsAfterChange(r, c)
	if err != nil {
		return err
	}

	if contents.pieces() == 0 {
		s.closeEnded(r.Context(), c.ID)
	}
	methods, err := activeShippingMethods(r.Context(), s.pool)
	if err != nil {
		return err
	}
	if err := chargeAll(r.Context(), s.pool, c.ID, methods); err != nil {
		return err
	}

	return answer(w, struct {
		Outcome   web.Success `json:"cart_remove_sku"`
		CartFound bool        `json:"cart_found"`
		SKUID     any         `json:"sku_id"`
		Lines     int         `json:"cart_item_count"`
		Methods   web.Object  `json:"cart_shipping_methods"`
		Selected  *string     `json:"shipping_method_selected"` // null: the choice went with the line
		cartChangeAnswer
	}{
		CartFound: true, SKUID: echo.Value, Lines: len(contents.lines), Methods: web.Numbered(0, methods),
		cartChangeAnswer: after,
	})
}

func (s *server) cartDeleteCart(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "cart_delete_cart"
	c, err := findCart(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return err
	}
	deleted := false
	if c != nil {
		if deleted, err = deleteCart(r.Context(), s.pool, c.ID); err != nil {
			return err
		}
	}
	if !deleted && !web.SentAgain(r) {
		return refuse(w, endpoint, codeCartNotFound)
	}
	if deleted {
		s.closeEnded(r.Context(), c.ID)
	}
	return answer(w, struct {
		Outcome web.Success `json:"cart_delete_cart"`
		versioned
	}{})
}

// cartCounts tells edge's logged-in how many lines, not pieces, the carts of members and visitors
// have. Edge sends one request for all shoppers who wait at that moment. Shoppers without a cart
// are left out.
func (s *server) cartCounts(w http.ResponseWriter, r *http.Request) error {
	query, err := web.Query(r)
	if err != nil {
		return err
	}

	var members []int64
	for _, text := range query.Values["member"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return web.BadRequest("member")
		}
		members = append(members, id)
	}

	counts, err := countLines(r.Context(), s.pool, members, query.Values["cart"])
	if err != nil {
		return err
	}

	ofMembers, ofCarts := map[int64]int{}, map[string]int{}
	for _, c := range counts {
		if c.MemberID != nil {
			ofMembers[*c.MemberID] = c.Lines
		} else if c.AnonymousID != nil {
			ofCarts[*c.AnonymousID] = c.Lines
		}
	}

	return answer(w, struct {
		Members map[int64]int  `json:"members"`
		Carts   map[string]int `json:"carts"`
	}{ofMembers, ofCarts})
}
