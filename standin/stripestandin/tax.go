package stripestandin

import "strings"

// taxRates are the rates of the stand-in's Stripe Tax, in thousandths of a percent, by country, or
// country and state; elsewhere there is no tax. Real rates differ and change: what matters here is
// that the amounts add up.
var taxRates = map[string]int64{
	"US-CA": 7250, "US-NY": 8875, "US-IL": 6250, "US-TX": 6250, "US-WA": 6500,
	"CA": 5000, "CA-ON": 13000, "DE": 19000, "FR": 20000, "GB": 20000,
}

// taxRateAt is the rate of the address's state, otherwise of its country.
func taxRateAt(a address) int64 {
	country := strings.ToUpper(string(a.Country))
	if rate, ok := taxRates[country+"-"+strings.ToUpper(string(a.State))]; ok {
		return rate
	}
	return taxRates[country]
}

// tax calculates the amounts of a session with automatic tax for an address. Each line is rounded
// by itself, as at Stripe (https://docs.stripe.com/tax/calculating). Tax is added to prices that
// are exclusive or do not say; inclusive prices keep their amounts.
func (rec *sessionRecord) tax(at address) {
	s, rate := rec.Session, taxRateAt(at)
	if !s.AutomaticTax.Enabled {
		return
	}
	s.AutomaticTax.Status = "complete"
	lines := make([]lineItem, len(rec.Lines))
	for i, l := range rec.Lines {
		if l.Price.TaxBehavior == "inclusive" {
			l.AmountTax = share(l.AmountTotal, rate, 100_000+rate)
		} else {
			l.AmountTax = share(l.AmountTotal, rate, 100_000)
			l.AmountTotal += l.AmountTax
			s.AmountTotal += l.AmountTax
		}
		s.TotalDetails.AmountTax += l.AmountTax
		lines[i] = l
	}
	rec.Lines = lines
}
