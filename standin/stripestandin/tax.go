package stripestandin

import "strings"

// taxRates is what the stand-in's Stripe Tax takes, in thousandths of a per cent by country, or country and state;
// elsewhere it takes nothing. Real rates differ and change: what matters here is that amounts fit together.
var taxRates = map[string]int64{
	"US-CA": 7250, "US-NY": 8875, "US-IL": 6250, "US-TX": 6250, "US-WA": 6500,
	"CA": 5000, "CA-ON": 13000, "DE": 19000, "FR": 20000, "GB": 20000,
}

// taxRateAt is the rate at an address: that of the state, otherwise that of the country.
func taxRateAt(a address) int64 {
	country := strings.ToUpper(string(a.Country))
	if rate, ok := taxRates[country+"-"+strings.ToUpper(string(a.State))]; ok {
		return rate
	}
	return taxRates[country]
}

// tax works out what a session with automatic tax comes to at an address, each line rounded by itself, as Stripe
// does (https://docs.stripe.com/tax/calculating). Tax is added to prices that are exclusive, and to those that do not
// say; within inclusive ones it changes no amount.
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
