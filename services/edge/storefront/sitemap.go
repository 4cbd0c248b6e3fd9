package storefront

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// sitemapSize is how many products a part of the site map lists. The protocol allows 50,000
// addresses in a file (https://www.sitemaps.org/protocol.html); smaller parts are read again
// sooner.
const sitemapSize = 5_000

type sitemapURL struct {
	Location string `xml:"loc"`
}

// sitemap lists the parts of the site map: one of pages, and as many of products as needed.
func (p *Pages) sitemap(w http.ResponseWriter, r *http.Request) {
	p.serveSitemap(w, r, "index", func(list *listing.List) any {
		index := struct {
			XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
			Parts   []sitemapURL `xml:"sitemap"`
		}{Parts: []sitemapURL{{p.cfg.PublicURL + "/sitemap-pages.xml"}}}
		for part := 1; (part-1)*sitemapSize < len(list.Products()); part++ {
			index.Parts = append(index.Parts, sitemapURL{p.cfg.PublicURL + "/sitemap-products-" + strconv.Itoa(part) +
				".xml"})
		}
		return index
	})
}

// sitemapPart is one of the parts.
func (p *Pages) sitemapPart(w http.ResponseWriter, r *http.Request) {
	part := chi.URLParam(r, "part")
	p.serveSitemap(w, r, part, func(list *listing.List) any {
		urls := struct {
			XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
			URLs    []sitemapURL `xml:"url"`
		}{}
		if part == "pages" {
			urls.URLs = p.sitemapPages(list)
			return urls
		}
		for number := 1; (number-1)*sitemapSize < len(list.Products()); number++ {
			if part != "products-"+strconv.Itoa(number) {
				continue
			}
			first := (number - 1) * sitemapSize
			for _, item := range list.Products()[first:min(first+sitemapSize, len(list.Products()))] {
				urls.URLs = append(urls.URLs, sitemapURL{p.cfg.PublicURL + listedProduct(item).Path()})
			}
			return urls
		}
		return nil
	})
}

// sitemapPages are the pages with fixed addresses, and the collections.
func (p *Pages) sitemapPages(list *listing.List) (urls []sitemapURL) {
	for _, pg := range pageTable {
		if !pg.hidden && pg.name != "product" && pg.name != "cart" {
			urls = append(urls, sitemapURL{p.cfg.PublicURL + pg.path})
		}
	}
	for _, c := range list.Collections() {
		urls = append(urls, sitemapURL{p.cfg.PublicURL + collectionPath(c.Address)})
	}
	return urls
}

// serveSitemap answers with a file of the site map, which is cached until products come, go or are
// renamed. If content returns nothing, there is no such file.
func (p *Pages) serveSitemap(w http.ResponseWriter, r *http.Request, name string, content func(*listing.List) any) {
	list, err := p.cfg.Catalog(r.Context())
	if err != nil {
		p.noCatalog(r, "sitemap", "error", err)
		p.Error(w, r, http.StatusServiceUnavailable)
		return
	}

	doc, err := p.catalog.get(livePage{"sitemap " + name, strconv.FormatInt(list.Words, 10),
		func() (*document, error) {
			urls := content(list)
			if urls == nil {
				return nil, nil
			}
			var buf bytes.Buffer
			buf.WriteString(xml.Header)
			if err := xml.NewEncoder(&buf).Encode(urls); err != nil {
				return nil, err
			}
			return newDocument(buf.Bytes(), "application/xml; charset=utf-8", "public, max-age=600")
		}})
	switch {
	case err != nil:
		p.noCatalog(r, "sitemap", "error", err)
		p.Error(w, r, http.StatusInternalServerError)
	case doc == nil:
		p.NotFound(w, r)
	default:
		doc.ServeHTTP(w, r)
	}
}
