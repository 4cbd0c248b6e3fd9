package storefront

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/markdown"
)

// absolute makes an address of ours absolute; addresses on other hosts stay as they are.
func (p *Pages) absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return p.cfg.PublicURL + address
	}
	return address
}

// siteData is the schema.org description of the shop, on its home page.
func (p *Pages) siteData() any {
	return map[string]any{
		"@context": "https://schema.org",
		"@type":    "WebSite",
		"name":     p.cfg.Shop.Name,
		"url":      p.cfg.PublicURL + "/",
		"publisher": map[string]any{
			"@type": "Organization",
			"name":  p.cfg.Shop.Name,
			"url":   p.cfg.PublicURL + "/",
			"email": p.cfg.Shop.Email,
		},
		"potentialAction": map[string]any{
			"@type":       "SearchAction",
			"target":      p.cfg.PublicURL + "/search?q={search_term_string}",
			"query-input": "required name=search_term_string",
		},
	}
}

// listData is the schema.org description of a page of products, which counts its positions in the
// whole list.
func (p *Pages) listData(products []product, first int) any {
	items := []any{}
	for i, item := range products {
		items = append(items, map[string]any{
			"@type": "ListItem", "position": first + i, "name": item.Title, "url": p.cfg.PublicURL + item.Path(),
		})
	}
	return map[string]any{"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items}
}

// productData is the schema.org description of a product, with an offer for each SKU.
func (p *Pages) productData(item *product) (any, error) {
	text, err := markdown.Text(item.Description1)
	if err != nil {
		return nil, err
	}
	availability := map[string]string{
		"in-stock":     "https://schema.org/InStock",
		"back-ordered": "https://schema.org/BackOrder",
		"out-of-stock": "https://schema.org/OutOfStock",
	}

	offers := []any{}
	for _, s := range item.SKUs {
		offer := map[string]any{
			"@type":         "Offer",
			"sku":           s.key,
			"name":          s.value.Label(),
			"price":         s.value.Price,
			"priceCurrency": p.cfg.Shop.CurrencyCode,
			"itemCondition": "https://schema.org/NewCondition",
			"url":           p.cfg.PublicURL + item.Path(),
		}
		if a := availability[s.value.Inventory]; a != "" {
			offer["availability"] = a
		}
		offers = append(offers, offer)
	}

	images := []string{}
	for _, im := range item.Gallery() {
		images = append(images, p.absolute(im.URL))
	}

	return map[string]any{
		"@context":    "https://schema.org",
		"@type":       "Product",
		"productID":   item.Identifier,
		"name":        item.Title,
		"description": strings.TrimSpace(item.Headline + " " + text),
		"image":       images,
		"url":         p.cfg.PublicURL + item.Path(),
		"brand":       map[string]any{"@type": "Brand", "name": p.cfg.Shop.Name},
		"offers":      offers,
	}, nil
}

// renderExtras renders the small files that browsers and crawlers request by fixed names.
func (p *Pages) renderExtras() error {
	manifest, err := json.Marshal(map[string]any{
		"name":             p.cfg.Shop.Name,
		"short_name":       p.cfg.Shop.Name,
		"description":      p.cfg.Shop.Description,
		"lang":             p.cfg.Shop.Language,
		"start_url":        "/",
		"display":          "browser",
		"background_color": p.cfg.Shop.ThemeColor,
		"theme_color":      p.cfg.Shop.ThemeColor,
		"icons": []map[string]string{
			{"src": p.assets.path("icons/icon-192.png"), "sizes": "192x192", "type": "image/png"},
			{"src": p.assets.path("icons/icon-512.png"), "sizes": "512x512", "type": "image/png"},
			{"src": p.assets.path("icons/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
		},
	})
	if err != nil {
		return fmt.Errorf("make web manifest: %w", err)
	}

	icon, err := files.ReadFile("images/icons/favicon.ico")
	if err != nil {
		return fmt.Errorf("read favicon: %w", err)
	}
	extras := []struct {
		path, contentType string
		body              []byte
	}{
		{"/robots.txt", "text/plain; charset=utf-8", []byte(p.robots())},
		{"/site.webmanifest", "application/manifest+json", manifest},
		{"/favicon.ico", "image/x-icon", icon},
	}

	for _, e := range extras {
		if p.extras[e.path], err = newDocument(e.body, e.contentType, "public, max-age=3600"); err != nil {
			return err
		}
	}
	return nil
}

// robots keeps crawlers out of the API; pages that are not for crawlers say so themselves.
func (p *Pages) robots() string {
	return "User-agent: *\n" +
		"Disallow: /user/\nDisallow: /order/\nDisallow: /clientevent/\n" +
		"Disallow: /search\nDisallow: /*?*sort=\n" + // there are as many pages as words and orders
		"Sitemap: " + p.cfg.PublicURL + "/sitemap.xml\n"
}
