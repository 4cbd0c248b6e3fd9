package order

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// How the shop taxes what it sells.
const (
	taxNone     = "none"
	taxIncluded = "included" // prices include it, by the shop's own table
	taxStripe   = "stripe"   // Stripe Tax adds it on the payment page
)

// quoteTax is how a quote is taxed, frozen with it; nil if it is not.
type quoteTax struct {
	Mode  string    `json:"mode"`
	Rates []taxRate `json:"rates,omitempty"` // with taxIncluded
}

// taxRate is the tax rate of a country, or of one of its states.
type taxRate struct {
	Country string `json:"country"`         // ISO 3166-1
	State   string `json:"state,omitempty"` // as in Stripe's addresses: CA, NY, ON
	// Rate is in thousandths of a per cent: 8875 is New York City's 8.875 %.
	Rate int64 `json:"rate"`
}

// String is the rate as staff type it: US-NY 8.875.
func (r taxRate) String() string {
	place := r.Country
	if r.State != "" {
		place += "-" + r.State
	}
	percent := strings.TrimRight(fmt.Sprintf("%d.%03d", r.Rate/1000, r.Rate%1000), "0")
	return place + " " + strings.TrimSuffix(percent, ".")
}

// fullRate is 100 per cent.
const fullRate = 100_000

// part is the tax within an amount that includes it, rounded half up once.
func (r taxRate) part(amount money.Cents) money.Cents {
	n := new(big.Int).Mul(big.NewInt(int64(amount)), big.NewInt(2*r.Rate))
	n.Add(n, big.NewInt(fullRate+r.Rate))
	return money.Cents(n.Quo(n, big.NewInt(2*(fullRate+r.Rate))).Int64())
}

// rateOf is the rate at an address: that of the state, else that of the country, else none.
func (t quoteTax) rateOf(to msg.Address) (rate taxRate) {
	for _, r := range t.Rates {
		if !strings.EqualFold(r.Country, to.CountryCode) {
			continue
		}
		if r.State == "" && rate.State == "" || r.State != "" && strings.EqualFold(r.State, to.State) {
			rate = r
		}
	}
	return rate
}

// readTax reads the settings of taxes.
func readTax(settings map[string]*string) *quoteTax {
	t := &quoteTax{Mode: pg.Text(settings[settingTaxMode])}
	switch t.Mode {
	case taxStripe:
	case taxIncluded:
		t.Rates, _ = readTaxRates(pg.Text(settings[settingTaxRates]))
	default:
		return nil
	}
	return t
}

// readTaxRates reads lines such as "DE 19" and "US-NY 8.875"; wrong is the first line that is not
// valid.
func readTaxRates(text string) (rates []taxRate, wrong string) {
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r,;:=%", r) })
		if len(words) == 0 {
			continue
		}
		r, ok := taxRate{}, len(words) == 2
		if ok {
			r.Country, r.State, _ = strings.Cut(strings.ToUpper(words[0]), "-")
			r.Rate, ok = readPercent(words[1])
		}
		same := func(o taxRate) bool { return o.Country == r.Country && o.State == r.State }
		if !ok || !slices.Contains(stripe.ShipTo, r.Country) || len(r.State) > 20 || slices.ContainsFunc(rates, same) {
			return rates, strings.TrimSpace(line)
		}
		rates = append(rates, r)
	}
	return rates, ""
}

// statesOf are the codes of states, as Stripe has them in addresses, of the countries whose states
// are known here.
var statesOf = map[string][]string{
	"US": strings.Fields(`AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ
		NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI UM FM MH PW AA AE AP`),
	"CA": strings.Fields("AB BC MB NB NL NS NT NU ON PE QC SK YT"),
}

// placeKnown reports whether a rate's country has its state, as far as the country's states are
// known.
func (r taxRate) placeKnown() bool {
	states, known := statesOf[r.Country]
	return r.State == "" || !known || slices.Contains(states, r.State)
}

// readPercent reads a rate below 100 per cent, with up to three decimals.
func readPercent(text string) (int64, bool) {
	whole, frac, _ := strings.Cut(text, ".")
	if len(whole) < 1 || len(whole) > 2 || len(frac) > 3 || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+(frac + "000")[:3], 10, 64)
	return n, err == nil
}

// taxAdded is the tax that Stripe added to the quote's total.
func (c checkout) taxAdded(p stripe.Session) money.Cents {
	if c.Quote.Tax == nil || c.Quote.Tax.Mode != taxStripe {
		return 0
	}
	return p.Tax
}

// taxIncluded is the tax within the total of the quote, for where the order is sent.
func (c checkout) taxIncluded(to, billing msg.Address) money.Cents {
	if c.Quote.Tax == nil || c.Quote.Tax.Mode != taxIncluded {
		return 0
	}
	if to.CountryCode == "" {
		to = billing
	}
	return c.Quote.Tax.rateOf(to).part(c.Total)
}
