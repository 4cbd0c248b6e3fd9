package order

import (
	"html"
	"regexp"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// shopifyColumns are the columns of Shopify's product CSV that the shop has a place for
// (https://help.shopify.com/en/manual/products/import-export/using-csv); the others are left out.
var shopifyColumns = map[string]string{
	"handle": colAddress, "url handle": colAddress, "title": colTitle, "body (html)": colText, "description": colText,
	"status": colState, "published": shopPublished, "option1 name": colColorName, "option1 value": colColor,
	"option2 name": colSizeName, "option2 value": colSize, "option3 value": colSKUText, "variant sku": colCode,
	"sku": colCode, "variant price": colPrice, "price": colPrice, "variant inventory qty": colStock,
	"inventory quantity": colStock, "variant inventory policy": colBackOrders,
	"continue selling when out of stock": colBackOrders, "image src": colPicture, "product image url": colPicture,
	"image alt text": colAlt, "published on online store": shopPublished, "variant inventory tracker": shopTracker,
	"inventory tracker": shopTracker, "variant grams": colGrams, "weight value (grams)": colGrams,
	"variant weight": shopWeight, "variant weight unit": shopUnit, "variant compare at price": shopCompare,
	"compare-at price": shopCompare,
}

// What Shopify says of products and variants in a way of its own: fromShopify turns it into columns of the shop.
const (
	shopPublished = "published"
	shopTracker   = "tracker"
	shopWeight    = "weight"
	shopUnit      = "weight unit" // of a weight; one in grams has it for display
	// shopCompare is the regular price where it is above the price, which is a sale's then.
	shopCompare = "compare at price"
)

var shopifyOnly = map[string]bool{shopPublished: true, shopTracker: true, shopWeight: true, shopUnit: true,
	shopCompare: true}

// fromShopify puts values in this shop's words.
func (r *fileRow) fromShopify() {
	r.shopifyState()
	switch strings.ToLower(r.values[colBackOrders]) {
	case "continue", "true":
		r.values[colBackOrders] = "yes"
	case "deny", "false":
		r.values[colBackOrders] = "no"
	}
	r.shopifyCount()
	r.shopifyWeight()
	r.values[colCode] = strings.TrimPrefix(r.values[colCode], "'") // Shopify has it before numbers, for spreadsheets
	if r.values[colColor] == "Default Title" {                     // a product without options
		r.values[colColor] = ""
	}
	if r.values[colColorName] == "Title" {
		r.values[colColorName] = ""
	}
	if text := r.values[colText]; text != "" {
		r.values[colText] = fromHTML(text)
	}
}

// shopifyState publishes what is active there, and on show in the online store.
func (r *fileRow) shopifyState() {
	state, published := strings.ToLower(r.values[colState]), strings.ToLower(r.values[shopPublished])
	switch {
	case r.values[colTitle] == "" || state == "" && published == "":
		delete(r.values, colState) // said in the first row of a product alone
	case (state == "" || state == "active") && (published == "" || published == "true"):
		r.values[colState] = "published"
	default:
		r.values[colState] = "draft"
	}
}

// shopifyCount leaves out the count of what is not counted there: it is 0. What was sold beyond the count is none here,
// unless the SKU is sold beyond it.
func (r *fileRow) shopifyCount() {
	if tracker, there := r.values[shopTracker]; there && tracker == "" {
		delete(r.values, colStock)
	}
	if strings.HasPrefix(r.values[colStock], "-") && r.values[colBackOrders] != "yes" {
		r.values[colStock] = "0"
	}
}

// shopifyGrams is a weight that is grams whatever unit Shopify shows it in: what was typed as ounces has many digits.
var shopifyGrams = regexp.MustCompile(`^\d+\.\d+$`)

// shopifyWeight reads weights in grams, and those that other programs write with a unit.
func (r *fileRow) shopifyWeight() {
	if weight := r.values[shopWeight]; weight != "" && r.values[colGrams] == "" {
		r.values[colGrams] = weight + r.values[shopUnit]
	} else if grams := r.values[colGrams]; shopifyGrams.MatchString(grams) {
		if number, err := strconv.ParseFloat(grams, 64); err == nil && number <= maxGrams {
			r.values[colGrams] = strconv.FormatFloat(number, 'f', 0, 64)
		}
	}
	if r.values[colGrams] == "0" {
		delete(r.values, colGrams) // not known there
	}
}

var (
	strict     = bluemonday.StrictPolicy()
	paragraph  = regexp.MustCompile(`(?i)</(p|div|h[1-6]|ul|ol|table)>|<br\s*/?>\s*<br\s*/?>`)
	item       = regexp.MustCompile(`(?i)<li[^>]*>`)
	lineBreak  = regexp.MustCompile(`(?i)<br\s*/?>`)
	manyBreaks = regexp.MustCompile(`\n{3,}`)
)

// fromHTML makes Markdown of HTML: its words, paragraphs and lists.
func fromHTML(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = paragraph.ReplaceAllString(text, "\n\n")
	text = item.ReplaceAllString(text, "\n- ")
	text = lineBreak.ReplaceAllString(text, "\n")
	lines := strings.Split(html.UnescapeString(strict.Sanitize(text)), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(manyBreaks.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}
