package stripestandin

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxField is the longest text in a field of the page, in characters.
const maxField = 300

// payForm holds what a shopper typed, and the errors by field name.
type payForm struct {
	values url.Values
	Errors map[string]string
}

// Value returns the text of a field.
func (f *payForm) Value(name string) string { return f.values.Get(name) }

// Error returns the error of a field, or "".
func (f *payForm) Error(name string) string { return f.Errors[name] }

// field returns a field's trimmed text; a missing required one is an error.
func (f *payForm) field(name string, required bool) string {
	v := strings.TrimSpace(f.values.Get(name))
	switch {
	case v == "" && required:
		f.wrong(name, "This field is required.")
	case !cleanText(v) || strings.ContainsAny(v, "\n\r\t"):
		f.wrong(name, "This contains characters that cannot be used here.")
		return ""
	case utf8.RuneCountInString(v) > maxField:
		f.wrong(name, "This is too long.")
		return ""
	}
	return v
}

func (f *payForm) wrong(name, message string) {
	if f.Errors[name] == "" {
		f.Errors[name] = message
	}
}

// checkForm reads the page's form for a session. The payer is complete only if no error was found;
// the second result is what the card does.
func checkForm(rec *sessionRecord, values url.Values, now time.Time) (*payForm, payer, string) {
	f := &payForm{values: values, Errors: map[string]string{}}
	s := rec.Session
	who := payer{Email: string(s.CustomerEmail)}
	if s.CustomerEmail == "" {
		who.Email = f.field("email", true)
		if who.Email != "" && !validEmail(who.Email) {
			f.wrong("email", "Your email is invalid.")
		}
	}

	if s.PhoneNumberCollection.Enabled {
		who.Phone = f.field("phone", true)
		digits := strings.Count(strings.Trim(who.Phone, "+"), "") // the result is the number of characters + 1
		if who.Phone != "" && (strings.Trim(who.Phone, "+0123456789 ()-./") != "" || digits < 7 || digits > 26) {
			f.wrong("phone", "Your phone number is invalid.")
		}
	}

	if s.ShippingAddressCollection != nil {
		at := f.address("shipping", s.ShippingAddressCollection.AllowedCountries, true)
		who.Shipping, who.ShippingName = &at, f.field("shipping_name", true)
	}
	if who.Shipping != nil && f.values.Get("billing_same") != "" {
		who.Billing, who.Name = *who.Shipping, who.ShippingName
	} else {
		who.Name = f.field("billing_name", true)
		who.Billing = f.address("billing", nil, s.BillingAddressCollection == "required")
	}

	f.checkShipping(rec, &who)
	outcome := cardPays
	if s.AmountTotal > 0 {
		outcome = f.checkMethod(rec, &who, now)
	}
	return f, who, outcome
}

func (f *payForm) checkShipping(rec *sessionRecord, who *payer) {
	if len(rec.Rates) < 2 {
		return
	}
	v := f.values.Get("shipping_option")
	n, err := strconv.Atoi(v)
	if v == "" {
		n = 0
	} else if err != nil || n < 0 || n >= len(rec.Rates) {
		f.wrong("shipping_option", "Choose one of the shipping options.")
	}
	who.ShippingOption = n
}

// address reads one of the two addresses. Unless whole is set only the country counts, because
// Stripe's page then asks for nothing else.
func (f *payForm) address(prefix string, allowed []string, whole bool) address {
	name := func(part string) string { return prefix + "_" + part }
	a := address{
		Line1:   text(f.field(name("line1"), whole)),
		Line2:   text(f.field(name("line2"), false)),
		City:    text(f.field(name("city"), whole)),
		Country: text(f.field(name("country"), true)),
	}
	code := string(a.Country)
	strict := whole && (code == "US" || code == "CA")
	a.State = text(f.field(name("state"), strict))
	a.PostalCode = text(f.field(name("postal_code"), strict))
	switch {
	case code == "":
	case !shippable(code), len(allowed) > 0 && !slices.Contains(allowed, code):
		f.wrong(name("country"), "Choose one of the countries in the list.")
	case a.PostalCode != "" && postalCodes[code] != nil && !postalCodes[code].MatchString(string(a.PostalCode)):
		f.wrong(name("postal_code"), "Your postal code is invalid.")
	}
	return a
}

// checkMethod reads the payment method and returns what the card does.
func (f *payForm) checkMethod(rec *sessionRecord, who *payer, now time.Time) string {
	method := f.values.Get("method")
	if method == "" {
		method = "card"
		if !rec.takesCard() {
			method = "delayed"
		}
	}
	switch {
	case method == "delayed" && rec.takesDelayed():
		who.Delayed = true
		return cardPays
	case method == "card" && rec.takesCard():
		return f.checkCard(who, now)
	}
	f.wrong("method", "Choose one of the payment methods.")
	return ""
}

func (f *payForm) checkCard(who *payer, now time.Time) string {
	number, digits := digitsOf(f.field("card_number", true))
	if number != "" && (!digits || len(number) < 12 || len(number) > 19 || !luhn(number)) {
		f.wrong("card_number", "Your card number is invalid.")
	}
	expiry := f.field("card_expiry", true)

	month, year, ok := parseExpiry(expiry)
	switch {
	case expiry == "":
	case !ok:
		f.wrong("card_expiry", "Your card's expiration date is incomplete or invalid.")
	case year > now.Year()+50:
		f.wrong("card_expiry", "Your card's expiration year is invalid.")
	case year < now.Year() || year == now.Year() && month < int(now.Month()):
		f.wrong("card_expiry", "Your card's expiration date is in the past.")
	}

	cvc := f.field("card_cvc", true)
	if cvc != "" && (len(cvc) < 3 || len(cvc) > 4 || strings.Trim(cvc, "0123456789") != "") {
		f.wrong("card_cvc", "Your card's security code is incomplete or invalid.")
	}
	if len(f.Errors) > 0 {
		return ""
	}
	card, known := testCards[number]
	if !known {
		return unknownCard
	}

	who.Card = cardDetails{
		Brand:    card.brand,
		Country:  "US",
		ExpMonth: month,
		ExpYear:  year,
		Funding:  "credit",
		Last4:    number[len(number)-4:],
		Network:  card.brand,
	}
	return card.outcome
}
