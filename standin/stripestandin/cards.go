package stripestandin

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// Outcomes of a test card.
const (
	cardPays      = "pays"
	cardChallenge = "3ds"
	cardDisputed  = "disputed"
)

// testCard is what one of Stripe's known test numbers does: an outcome above, or the message of
// its decline.
type testCard struct {
	brand   string
	outcome string
}

// testCards are the numbers that the page accepts; every other number is declined, as in Stripe's
// test mode.
var testCards = map[string]testCard{
	"4242424242424242": {"visa", cardPays},
	"4000056655665556": {"visa", cardPays},
	"5555555555554444": {"mastercard", cardPays},
	"378282246310005":  {"amex", cardPays},
	"6011111111111117": {"discover", cardPays},
	"4000002500003155": {"visa", cardChallenge},
	"4000002760003184": {"visa", cardChallenge},
	"4000000000000259": {"visa", cardDisputed},
	"4000000000000002": {"visa", "Your card was declined."},
	"4000000000009995": {"visa", "Your card has insufficient funds."},
	"4000000000009987": {"visa", "Your card was declined: it was reported lost."},
	"4000000000000069": {"visa", "Your card has expired."},
	"4000000000000127": {"visa", "Your card's security code is incorrect."},
	"4000000000000119": {"visa", "An error occurred while processing your card. Try again in a little bit."},
}

const unknownCard = "Your card was declined. This is a test page, and the number is not one of the test cards."

// luhn reports whether the check digit at the end is right.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// digitsOf removes the spaces and dashes that people write into numbers; it reports false if
// anything but digits is left.
func digitsOf(s string) (string, bool) {
	s = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(s)
	return s, s != "" && strings.Trim(s, "0123456789") == ""
}

// parseExpiry reads "MM/YY" or "MM/YYYY", with or without the slash and spaces.
func parseExpiry(s string) (month, year int, ok bool) {
	s = strings.ReplaceAll(s, " ", "")
	mm, yy, slash := strings.Cut(s, "/")
	if !slash && (len(s) == 4 || len(s) == 6) {
		mm, yy = s[:2], s[2:]
	}
	month, errM := strconv.Atoi(mm)
	year, errY := strconv.Atoi(yy)
	if errM != nil || errY != nil || month < 1 || month > 12 || len(yy) != 2 && len(yy) != 4 || year < 0 {
		return 0, 0, false
	}
	if len(yy) == 2 {
		year += 2000
	}
	return month, year, true
}

// challenges are payments that wait for the 3-D Secure confirmation. They live in memory: after a
// restart the shopper enters the card again.
type challenges struct {
	mu   sync.Mutex
	open map[string]challenge
}

type challenge struct {
	session string
	who     payer
	until   time.Time
}

// maxChallenges bounds the memory of abandoned confirmations.
const maxChallenges = 1000

func newChallenges() *challenges { return &challenges{open: map[string]challenge{}} }

// challengeTTL is how long a challenge waits for the payer.
const challengeTTL = 15 * time.Minute

func (c *challenges) add(session string, who payer) string {
	token := newID("3ds_", 32)
	c.mu.Lock()
	defer c.mu.Unlock()
	for old, ch := range c.open {
		if len(c.open) >= maxChallenges || time.Now().After(ch.until) {
			delete(c.open, old)
		}
	}
	c.open[token] = challenge{session, who, time.Now().Add(challengeTTL)}
	return token
}

// take removes a challenge and returns its payment.
func (c *challenges) take(token, session string) (payer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch, ok := c.open[token]
	if !ok || ch.session != session {
		return payer{}, false
	}
	delete(c.open, token)
	return ch.who, time.Now().Before(ch.until)
}
