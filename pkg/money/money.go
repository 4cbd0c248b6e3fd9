// Package money holds amounts as whole cents, from the first keystroke to the last statement:
// decimal strings exist only at the edge of the system, floats nowhere.
package money

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// Cents is an amount of money in cents of the shop's currency.
type Cents int64

// Max is the largest amount the shop handles: 99,999,999.99, what numeric(10,2) holds. Stripe
// takes a hundredth of it; checkout refuses the rest.
const Max Cents = 9_999_999_999

// ErrAmount says that a text is not an amount of money.
var ErrAmount = errors.New("not an amount of money")

// Parse reads a decimal string such as "3.50", "3.5", "3" or "-3.50". More than two decimals,
// signs other than one leading minus, spaces, exponents and amounts beyond Max are ErrAmount.
func Parse(s string) (Cents, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, point := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 8 || (point && (frac == "" || len(frac) > 2)) {
		return 0, ErrAmount
	}
	for len(frac) < 2 {
		frac += "0"
	}
	var n Cents
	for _, c := range whole + frac {
		if c < '0' || c > '9' {
			return 0, ErrAmount
		}
		n = n*10 + Cents(c-'0')
	}
	if negative {
		n = -n
	}
	return n, nil
}

// String writes the amount with two decimals: "3.50".
func (c Cents) String() string {
	sign, n := "", int64(c)
	if n < 0 {
		sign, n = "-", -n
	}
	whole, frac := strconv.FormatInt(n/100, 10), strconv.FormatInt(n%100, 10)
	if len(frac) < 2 {
		frac = "0" + frac
	}
	return sign + whole + "." + frac
}

// MarshalText lets an amount stand in JSON as the decimal string that clients of the shop expect.
func (c Cents) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (c *Cents) UnmarshalText(b []byte) error {
	n, err := Parse(string(b))
	if err != nil {
		return err
	}
	*c = n
	return nil
}

// Times multiplies a price by a number of pieces. It saturates at the ends of int64 instead of
// wrapping round, so that an impossible sum never looks like a small one.
func (c Cents) Times(pieces int) Cents {
	n := new(big.Int).Mul(big.NewInt(int64(c)), big.NewInt(int64(pieces)))
	if !n.IsInt64() {
		if n.Sign() < 0 {
			return Cents(-1 << 63)
		}
		return Cents(1<<63 - 1)
	}
	return Cents(n.Int64())
}

// Percent takes a share off an amount: rate is in hundredths of a per cent (10.00 % is 1000, the
// same scale as a Cents value of 10.00), the result rounded once, half up. Both must be at least 0.
func (c Cents) Percent(rate Cents) Cents {
	n := new(big.Int).Mul(big.NewInt(int64(c)), big.NewInt(int64(rate)))
	n.Add(n, big.NewInt(5000)).Quo(n, big.NewInt(10000))
	return Cents(n.Int64())
}

// Share is part of whole taken from an amount: c × part ÷ whole, rounded down. Shares of growing
// amounts grow with them, and the share of whole is part. Whole must be above 0, the others at
// least 0.
func (c Cents) Share(part, whole Cents) Cents {
	n := new(big.Int).Mul(big.NewInt(int64(c)), big.NewInt(int64(part)))
	n.Quo(n, big.NewInt(int64(whole)))
	if !n.IsInt64() {
		return Cents(1<<63 - 1)
	}
	return Cents(n.Int64())
}
