package order

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// taxGroup are the settings of the taxes.
var taxGroup = settingGroup{
	path:   "taxes",
	title:  "Taxes",
	intro:  "New payment pages change at once. Open ones, and orders, keep the taxes they were made with.",
	keys:   []string{settingTaxMode, settingTaxRates},
	fields: taxFields,
	check:  checkTaxes,
}

func taxFields(context.Context, *server) ([]adminui.Field, error) {
	return []adminui.Field{
		{Name: settingTaxMode, Label: "Taxes", Kind: "choice", Options: []adminui.Option{
			{Value: taxNone, Text: "None"}, {Value: taxIncluded, Text: "Included in prices, by the table below"},
			{Value: taxStripe, Text: "Added on the payment page by Stripe Tax"}},
			Hint: "Set up Stripe Tax in Stripe's dashboard first, with the places where the shop is registered."},
		{Name: settingTaxRates, Label: "Included rates", Kind: "multiline",
			Hint: "One line per country or state, with its percentage: DE 19, or US-NY 8.875. Elsewhere there is no " +
				"tax."},
	}, nil
}

func checkTaxes(_ context.Context, _ *server, values map[string]string, wrong adminui.FieldErrors) error {
	rates, bad := readTaxRates(values[settingTaxRates])
	odd := slices.IndexFunc(rates, func(r taxRate) bool { return !r.placeKnown() })
	switch mode := values[settingTaxMode]; {
	case bad != "":
		wrong[settingTaxRates] = "This is not a country with its rate, or is listed twice: " + firstRunes(bad, 40)
	case odd >= 0:
		wrong[settingTaxRates] = fmt.Sprintf("%s has no state %s: use two letters, such as US-NY or CA-ON.",
			rates[odd].Country, firstRunes(rates[odd].State, 20))
	case mode != taxNone && mode != taxIncluded && mode != taxStripe:
		wrong[settingTaxMode] = "Choose one of these."
	case mode == taxIncluded && len(rates) == 0:
		wrong[settingTaxRates] = "Please enter the included rates."
	}
	lines := make([]string, len(rates))
	for i, r := range rates {
		lines[i] = r.String()
	}
	values[settingTaxRates] = strings.Join(lines, "\n")
	return nil
}
