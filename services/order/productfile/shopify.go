package productfile

import (
	"html"
	"regexp"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// shopifyColumns are the columns of Shopify's product CSV for which the shop has an equivalent
// (https://help.shopify.com/en/manual/products/import-export/using-csv); the others are ignored.
var shopifyColumns = map[string]Column{
	"handle": Address, "url handle": Address, "title": Title, "body (html)": Text, "description": Text,
	"status": State, "published": shopPublished, "option1 name": ColorName, "option1 value": Color,
	"option2 name": SizeName, "option2 value": Size, "option3 value": SKUText, "variant sku": Code,
	"sku": Code, "variant price": Price, "price": Price, "variant inventory qty": Stock,
	"inventory quantity": Stock, "variant inventory policy": BackOrders,
	"continue selling when out of stock": BackOrders, "image src": Picture, "product image url": Picture,
	"image alt text": PictureText, "published on online store": shopPublished, "variant inventory tracker": shopTracker,
	"inventory tracker": shopTracker, "variant grams": Grams, "weight value (grams)": Grams,
	"variant weight": shopWeight, "variant weight unit": shopUnit, "variant compare at price": ComparePrice,
	"compare-at price": ComparePrice,
}

// The columns that Shopify uses in its own way: fromShopify converts them into columns of the shop.
const (
	shopPublished Column = "published"
	shopTracker   Column = "tracker"
	shopWeight    Column = "weight"
	shopUnit      Column = "weight unit" // of a weight; one in grams has it for display
)

var shopifyOnly = map[Column]bool{shopPublished: true, shopTracker: true, shopWeight: true, shopUnit: true,
	ComparePrice: true}

// fromShopify translates the values of a row into the shop's terms.
func (r *Row) fromShopify() {
	r.shopifyState()
	switch strings.ToLower(r.values[BackOrders]) {
	case "continue", "true":
		r.values[BackOrders] = "yes"
	case "deny", "false":
		r.values[BackOrders] = "no"
	}
	r.shopifyCount()
	r.shopifyWeight()
	r.values[Code] = strings.TrimPrefix(r.values[Code], "'") // Shopify puts it before numbers, for spreadsheets
	if r.values[Color] == "Default Title" {                  // a product without options
		r.values[Color] = ""
	}
	if r.values[ColorName] == "Title" {
		r.values[ColorName] = ""
	}
	if text := r.values[Text]; text != "" {
		r.values[Text] = fromHTML(text)
	}
}

// shopifyState publishes products that are active and shown in the online store.
func (r *Row) shopifyState() {
	state, published := strings.ToLower(r.values[State]), strings.ToLower(r.values[shopPublished])
	switch {
	case r.values[Title] == "" || state == "" && published == "":
		delete(r.values, State) // only the first row of a product has it
	case (state == "" || state == "active") && (published == "" || published == "true"):
		r.values[State] = "published"
	default:
		r.values[State] = "draft"
	}
}

// shopifyCount drops the count of a variant that Shopify does not track: it is always 0. A negative
// count becomes 0, unless the SKU may be sold beyond its count.
func (r *Row) shopifyCount() {
	if tracker, there := r.values[shopTracker]; there && tracker == "" {
		delete(r.values, Stock)
	}
	if strings.HasPrefix(r.values[Stock], "-") && r.values[BackOrders] != "yes" {
		r.values[Stock] = "0"
	}
}

// shopifyGrams is a weight in grams, whatever unit Shopify shows: one that was typed in ounces has
// many digits.
var shopifyGrams = regexp.MustCompile(`^\d+\.\d+$`)

// shopifyWeight reads weights in grams, and those that other programs write with a unit.
func (r *Row) shopifyWeight() {
	if weight := r.values[shopWeight]; weight != "" && r.values[Grams] == "" {
		r.values[Grams] = weight + r.values[shopUnit]
	} else if grams := r.values[Grams]; shopifyGrams.MatchString(grams) {
		if number, err := strconv.ParseFloat(grams, 64); err == nil {
			r.values[Grams] = strconv.FormatFloat(number, 'f', 0, 64)
		}
	}
	if r.values[Grams] == "0" {
		delete(r.values, Grams) // Shopify does not know it
	}
}

var (
	strict     = bluemonday.StrictPolicy()
	paragraph  = regexp.MustCompile(`(?i)</(p|div|h[1-6]|ul|ol|table)>|<br\s*/?>\s*<br\s*/?>`)
	item       = regexp.MustCompile(`(?i)<li[^>]*>`)
	lineBreak  = regexp.MustCompile(`(?i)<br\s*/?>`)
	manyBreaks = regexp.MustCompile(`\n{3,}`)
)

// fromHTML converts HTML into Markdown: its words, paragraphs and lists.
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
