package stripestandin

import "math/big"

// zeroDecimal lists the currencies without a minor unit.
var zeroDecimal = map[string]bool{
	"bif": true, "clp": true, "djf": true, "gnf": true, "jpy": true, "kmf": true, "krw": true, "mga": true,
	"pyg": true, "rwf": true, "ugx": true, "vnd": true, "vuv": true, "xaf": true, "xof": true, "xpf": true,
}

// currencies are those that the stand-in supports, with the smallest charge in minor units.
var currencies = map[string]int64{
	"usd": 50, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
	"hkd": 400, "inr": 50, "jpy": 50, "mxn": 1000, "nok": 300, "nzd": 50, "pln": 200, "sek": 300, "sgd": 50,
}

// maxAmount is Stripe's largest amount of one price or charge, in minor units.
const maxAmount = 99_999_999

// share returns part/whole of amount, rounded half up, for non-negative numbers.
func share(amount, part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(amount), big.NewInt(part))
	n.Mul(n, big.NewInt(2)).Add(n, big.NewInt(whole))
	return n.Div(n, new(big.Int).Mul(big.NewInt(whole), big.NewInt(2))).Int64()
}

// spread divides a discount over lines in proportion to their amounts. The parts add up to the
// discount exactly and none exceeds its line.
func spread(discount int64, lines []int64) []int64 {
	var total, before, given int64
	for _, l := range lines {
		total += l
	}
	out := make([]int64, len(lines))
	for i, l := range lines {
		before += l
		upTo := share(discount, before, total)
		out[i] = upTo - given
		given = upTo
	}
	return out
}
