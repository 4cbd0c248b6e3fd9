package productfile

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Same reports whether a value is the current one, as exports write it (pkg/printout).
func Same(value, was string) bool {
	return value == was || value == strings.TrimSpace(printout.FromCell(printout.Cell(was)))
}

// Shortened reports whether a value is a long number in the short form in which spreadsheets show
// and save it.
func Shortened(value string) bool { return shortened.MatchString(value) }

var shortened = regexp.MustCompile(`^\d([.,]\d+)?E\+\d+$`)

// Amounts with thousands separators, or with a comma before the cents, as cells show them. A comma
// before three digits may be either, so it is refused.
var (
	commaAmount = regexp.MustCompile(`^(-?\d{1,3}(?:\.\d{3})+|-?\d+),(\d{1,2})$`)
	pointAmount = regexp.MustCompile(`^(-?\d{1,3}(?:,\d{3})+)\.(\d{1,2})$`)
)

// ParseAmount reads an amount as spreadsheets write it.
func ParseAmount(text string) (money.Cents, error) {
	text = strings.Trim(text, "$ \u00a0\u202f")
	if m := commaAmount.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(m[1], ".", "") + "." + m[2]
	} else if m := pointAmount.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(m[1], ",", "") + "." + m[2]
	}
	return money.Parse(text) //nolint:wrapcheck // the caller names the place
}

// gramsOf are units of weight in grams.
var gramsOf = map[string]float64{"": 1, "g": 1, "kg": 1000, "oz": 28.349523125, "lb": 453.59237, "lbs": 453.59237}

// weightText is a number and a unit.
var weightText = regexp.MustCompile(`^(\d{1,9})(?:[.,](\d{1,16}))?\s*(g|kg|oz|lbs?)?$`)

// ParseGrams reads a weight: grams, or a number with its unit, rounded to whole grams. Three digits
// after a point or a comma may be thousands, except with a larger unit, so they are refused.
func ParseGrams(text string) (grams int64, ok bool) {
	m := weightText.FindStringSubmatch(strings.ToLower(text))
	if m == nil || len(m[2]) == 3 && gramsOf[m[3]] == 1 {
		return 0, false
	}
	number, err := strconv.ParseFloat(m[1]+"."+m[2]+"0", 64)
	return int64(math.Round(number * gramsOf[m[3]])), err == nil // at most nine digits of kilograms
}
