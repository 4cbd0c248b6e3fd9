package storefront

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A shopper who types sees what a search would find, reaches it by keys or mouse, and is told of it
// by a screen reader.
func TestSuggestionsWhileTyping(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.listed = largeList(30)
	b := newTab(t, server, 1280, "dark")
	b.Visit("/about")
	const box, list = "#site-search", "#site-search-suggestions"
	b.Do(chromedp.Focus(box))
	b.Until("the box is ready", `document.querySelector('#site-search').getAttribute('role') === 'combobox'`)
	b.Do(chromedp.SendKeys(box, "t"))
	b.Do(chromedp.SendKeys(box, "hing 1"))
	b.Visible(list)
	b.Says(list, "All 11 results")
	b.Says("#status", "6 suggestions")
	b.Axe("suggestions")
	b.Do(chromedp.SendKeys(box, kb.ArrowDown+kb.ArrowDown+kb.ArrowUp))
	b.Until("the first one is chosen", `document.querySelector('#site-search-suggestions a').getAttribute('aria-selected') === 'true'
		&& document.querySelector('#site-search').getAttribute('aria-activedescendant') === 'site-search-suggestions-0'`)
	b.Do(chromedp.SendKeys(box, kb.Escape))
	b.Until("the list is gone", `document.querySelector('#site-search-suggestions').hidden`)
	b.Do(chromedp.SendKeys(box, kb.ArrowUp))
	b.Until("the last one is chosen",
		`document.querySelector('#site-search-suggestions .suggestions__all').getAttribute('aria-selected') === 'true'`)
	b.Do(chromedp.SendKeys(box, kb.Enter))
	b.Until("all results", `location.pathname === '/search' && location.search === '?q=thing+1'`)
	b.Says("main", "11 products")

	b.Do(chromedp.Focus("#search"))
	b.Until("the box is ready", `document.querySelector('#search').getAttribute('role') === 'combobox'`)
	b.Do(chromedp.SendKeys("#search", "99"))
	b.Says("#search-suggestions", "Nothing found")
	b.Do(chromedp.SendKeys("#search", kb.Enter))
	b.Until("no results", `location.search === '?q=99thing+1'`)
	b.Says("main", "We found nothing")

	f.set(func() { f.fail["/order/products"] = 503 })
	b.Expect("503")
	b.Do(chromedp.Focus("#search"))
	b.Until("the box is ready", `document.querySelector('#search').getAttribute('role') === 'combobox'`)
	b.Do(chromedp.SendKeys("#search", "2"))
	b.Do(chromedp.SendKeys("#search", kb.Enter))
	b.Until("the page has results without the list", `location.search === '?q=299thing+1'`)
}

// The menu of orders opens without scripts; with scripts it also closes as menus do.
func TestSortMenu(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.listed = largeList(60)
	b := newTab(t, server, 390, "light")
	b.Visit("/products?page=2")
	b.Click("#sort summary")
	b.Visible("#sort a")
	b.Axe("a long list, its menu open")
	b.Do(chromedp.SendKeys("#sort summary", kb.Escape))
	b.Until("the menu is closed", `!document.querySelector('#sort').open`)
	b.Click("#sort summary")
	b.Follow(`#sort a[href="/products?sort=price-desc"]`)
	b.Until("sorted", `location.search === '?sort=price-desc'`)
	b.Says("#sort summary", "price, high to low")
	b.Follow(`.pager a[rel="next"]`)
	b.Until("the next page", `location.search.includes('page=2') && location.search.includes('at=')`)
}
