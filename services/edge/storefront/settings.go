package storefront

// Settings is everything that a shop's owner changes and that is not a text, a color or a picture:
// the shop's name and contacts, its language and currency. Texts are in texts/en.json, long texts
// in content/*.md, colors and type in static/css/theme.css, pictures in images/product.
type Settings struct {
	// Name is the name of the shop in the header and in titles. Mails use that of MAIL_FROM.
	Name string
	// Tagline is the line under the name on the home page and in search results.
	Tagline string
	// Description is one or two sentences for search engines and link previews.
	Description string
	// Email and Phone are how shoppers reach people; an empty one is not shown.
	Email, Phone string
	// Address is the postal address, one entry a line.
	Address []string
	// BackInStock offers a mail when a SKU that is out of stock can be bought again.
	BackInStock bool
	// Picture is the address of the picture of the whole shop, for the home page and for link
	// previews.
	Picture string
	// Language is the language tag of the texts (texts/<Language>.json).
	Language string
	// CurrencySign stands before each amount, CurrencyCode goes into structured data. Mails take
	// the sign from the environment's CURRENCY_SIGN.
	CurrencySign, CurrencyCode string
	// ThemeColor and ThemeColorDark color the browser's own bars.
	ThemeColor, ThemeColorDark string
	// VideoHosts are the origins that a product video may be embedded from, on click.
	VideoHosts []string
	// PictureHosts are further origins of product pictures, for a shop that keeps them elsewhere
	// than in images/product.
	PictureHosts []string
	// Featured is how many products the home page shows.
	Featured int
}

// DefaultSettings are the settings of the sample shop.
func DefaultSettings() Settings {
	return Settings{
		Name:    "StartUpWebApp",
		Tagline: "Small things, made to be used for years",
		Description: "Paper clips, binder clips and rubber bands that are a pleasure to use, sent from a small " +
			"workshop.",
		Email:          "shop@startupwebapp.example",
		Phone:          "+1 555 010 0199",
		Address:        []string{"StartUpWebApp", "12 Elm Street", "Springfield, IL 62704", "United States"},
		Picture:        "/img/product/desk.jpg",
		Language:       "en",
		CurrencySign:   "$",
		CurrencyCode:   "USD",
		ThemeColor:     "#faf7f2",
		ThemeColorDark: "#15181a",
		VideoHosts:     []string{"https://player.vimeo.com", "https://www.youtube-nocookie.com"},
		Featured:       6,
	}
}
