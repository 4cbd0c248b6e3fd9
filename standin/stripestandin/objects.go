package stripestandin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// null is a field of Stripe's object that is always null here.
type null = *struct{}

// text is a string whose empty value is null on the wire.
type text string

// MarshalJSON writes null for an empty text.
func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// ref is an id on the wire, or the whole object if it was expanded.
type ref struct {
	id   string
	full any
}

// MarshalJSON writes the object, the id, or null.
func (r ref) MarshalJSON() ([]byte, error) {
	if r.full != nil {
		return json.Marshal(r.full)
	}
	return text(r.id).MarshalJSON()
}

// UnmarshalJSON reads an id or null; the state file holds nothing else.
func (r *ref) UnmarshalJSON(b []byte) error {
	*r = ref{}
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &r.id)
}

// list is Stripe's page of objects.
type list[T any] struct {
	Object  string `json:"object"`
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	URL     string `json:"url"`
}

// address is a postal address as Stripe encodes it.
type address struct {
	City       text `json:"city"`
	Country    text `json:"country"`
	Line1      text `json:"line1"`
	Line2      text `json:"line2"`
	PostalCode text `json:"postal_code"`
	State      text `json:"state"`
}

type customerDetails struct {
	Address   *address `json:"address"`
	Email     text     `json:"email"`
	Name      text     `json:"name"`
	Phone     text     `json:"phone"`
	TaxExempt string   `json:"tax_exempt"`
	TaxIDs    []string `json:"tax_ids"`
}

type shippingDetails struct {
	Address        *address `json:"address"`
	Carrier        null     `json:"carrier,omitempty"`
	Name           text     `json:"name"`
	Phone          text     `json:"phone,omitempty"`
	TrackingNumber null     `json:"tracking_number,omitempty"`
}

type collectedInformation struct {
	ShippingDetails *shippingDetails `json:"shipping_details"`
}

type totalDetails struct {
	AmountDiscount int64 `json:"amount_discount"`
	AmountShipping int64 `json:"amount_shipping"`
	AmountTax      int64 `json:"amount_tax"`
}

type enabled struct {
	Enabled bool `json:"enabled"`
}

type shippingCost struct {
	AmountSubtotal int64  `json:"amount_subtotal"`
	AmountTax      int64  `json:"amount_tax"`
	AmountTotal    int64  `json:"amount_total"`
	ShippingRate   string `json:"shipping_rate"`
}

type shippingOption struct {
	ShippingAmount int64  `json:"shipping_amount"`
	ShippingRate   string `json:"shipping_rate"`
}

type allowedCountries struct {
	AllowedCountries []string `json:"allowed_countries"`
}

// discount names the coupon of a session.
type discount struct {
	Coupon        string `json:"coupon"`
	PromotionCode null   `json:"promotion_code"`
}

// session is a Checkout Session with the fields of API version 2023-10-16, and
// collected_information of newer versions.
type session struct {
	ID                        string                `json:"id"`
	Object                    string                `json:"object"`
	AfterExpiration           null                  `json:"after_expiration"`
	AllowPromotionCodes       null                  `json:"allow_promotion_codes"`
	AmountSubtotal            int64                 `json:"amount_subtotal"`
	AmountTotal               int64                 `json:"amount_total"`
	AutomaticTax              automaticTax          `json:"automatic_tax"`
	BillingAddressCollection  text                  `json:"billing_address_collection"`
	CancelURL                 text                  `json:"cancel_url"`
	ClientReferenceID         text                  `json:"client_reference_id"`
	ClientSecret              null                  `json:"client_secret"`
	CollectedInformation      *collectedInformation `json:"collected_information,omitempty"`
	Consent                   null                  `json:"consent"`
	ConsentCollection         null                  `json:"consent_collection"`
	Created                   int64                 `json:"created"`
	Currency                  string                `json:"currency"`
	CurrencyConversion        null                  `json:"currency_conversion"`
	CustomFields              []string              `json:"custom_fields"`
	CustomText                map[string]null       `json:"custom_text"`
	Customer                  null                  `json:"customer"`
	CustomerCreation          text                  `json:"customer_creation"`
	CustomerDetails           *customerDetails      `json:"customer_details"`
	CustomerEmail             text                  `json:"customer_email"`
	Discounts                 []discount            `json:"discounts"`
	ExpiresAt                 int64                 `json:"expires_at"`
	Invoice                   null                  `json:"invoice"`
	InvoiceCreation           map[string]any        `json:"invoice_creation"`
	LineItems                 *list[lineItem]       `json:"line_items,omitempty"`
	Livemode                  bool                  `json:"livemode"`
	Locale                    text                  `json:"locale"`
	Metadata                  map[string]string     `json:"metadata"`
	Mode                      string                `json:"mode"`
	PaymentIntent             ref                   `json:"payment_intent"`
	PaymentLink               null                  `json:"payment_link"`
	PaymentMethodCollection   string                `json:"payment_method_collection"`
	PaymentMethodOptions      map[string]any        `json:"payment_method_options"`
	PaymentMethodTypes        []string              `json:"payment_method_types"`
	PaymentStatus             string                `json:"payment_status"`
	PhoneNumberCollection     enabled               `json:"phone_number_collection"`
	RecoveredFrom             null                  `json:"recovered_from"`
	SetupIntent               null                  `json:"setup_intent"`
	ShippingAddressCollection *allowedCountries     `json:"shipping_address_collection"`
	ShippingCost              *shippingCost         `json:"shipping_cost"`
	ShippingDetails           *shippingDetails      `json:"shipping_details"`
	ShippingOptions           []shippingOption      `json:"shipping_options"`
	Status                    string                `json:"status"`
	SubmitType                text                  `json:"submit_type"`
	Subscription              null                  `json:"subscription"`
	SuccessURL                string                `json:"success_url"`
	TotalDetails              totalDetails          `json:"total_details"`
	UIMode                    string                `json:"ui_mode"`
	URL                       text                  `json:"url"`
}

type automaticTax struct {
	Enabled bool `json:"enabled"`
	Status  text `json:"status"`
}

// lineItem is a line of a session.
type lineItem struct {
	ID             string `json:"id"`
	Object         string `json:"object"`
	AmountDiscount int64  `json:"amount_discount"`
	AmountSubtotal int64  `json:"amount_subtotal"`
	AmountTax      int64  `json:"amount_tax"`
	AmountTotal    int64  `json:"amount_total"`
	Currency       string `json:"currency"`
	Description    string `json:"description"`
	Price          price  `json:"price"`
	Quantity       int64  `json:"quantity"`
}

type price struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	Active            bool              `json:"active"`
	BillingScheme     string            `json:"billing_scheme"`
	Created           int64             `json:"created"`
	Currency          string            `json:"currency"`
	CustomUnitAmount  null              `json:"custom_unit_amount"`
	Livemode          bool              `json:"livemode"`
	LookupKey         null              `json:"lookup_key"`
	Metadata          map[string]string `json:"metadata"`
	Nickname          null              `json:"nickname"`
	Product           ref               `json:"product"`
	Recurring         null              `json:"recurring"`
	TaxBehavior       string            `json:"tax_behavior"`
	TiersMode         null              `json:"tiers_mode"`
	TransformQuantity null              `json:"transform_quantity"`
	Type              string            `json:"type"`
	UnitAmount        int64             `json:"unit_amount"`
	UnitAmountDecimal string            `json:"unit_amount_decimal"`
}

type product struct {
	ID          string            `json:"id"`
	Object      string            `json:"object"`
	Active      bool              `json:"active"`
	Created     int64             `json:"created"`
	Description text              `json:"description"`
	Images      []string          `json:"images"`
	Livemode    bool              `json:"livemode"`
	Metadata    map[string]string `json:"metadata"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	Updated     int64             `json:"updated"`
}

// newID makes an unguessable id with a prefix and n random characters.
func newID(prefix string, n int) string { return prefix + random.Code(n) }

// money formats an amount in minor units for people: 1234 usd is $12.34.
func money(amount int64, currency string) string {
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	if zeroDecimal[currency] {
		return fmt.Sprintf("%s%d %s", sign, amount, strings.ToUpper(currency))
	}
	if currency == "usd" {
		return fmt.Sprintf("%s$%d.%02d", sign, amount/100, amount%100)
	}
	return fmt.Sprintf("%s%d.%02d %s", sign, amount/100, amount%100, strings.ToUpper(currency))
}
