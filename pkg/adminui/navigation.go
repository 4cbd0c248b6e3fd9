package adminui

import "strings"

// Section is a group of the navigation.
type Section struct {
	Title string
	Items []Item
}

// Item is an entry of the navigation.
type Item struct {
	Title string
	Path  string
	// Key opens it after g: g o for orders.
	Key     string
	Current bool
	action  Action
}

// navigation lists all pages that have an entry. A page appears for those who may see it.
var navigation = []Section{
	{"", []Item{{Title: "Home", Path: "/", Key: "h", action: HomeView}}},
	{"Selling", []Item{
		{Title: "Orders", Path: "/orders", Key: "o", action: OrdersView},
		{Title: "Discounts", Path: "/discounts", Key: "d", action: DiscountsView},
	}},
	{"Goods", []Item{
		{Title: "Products", Path: "/catalog", Key: "p", action: CatalogView},
	}},
	{"Customers", []Item{
		{Title: "Customers", Path: "/customers", Key: "c", action: CustomersView},
		{Title: "Prospects", Path: "/prospects", Key: "q", action: CustomersView},
		{Title: "Chat", Path: "/chat", Key: "i", action: ChatView},
		{Title: "Terms of use", Path: "/terms", Key: "u", action: CustomersView},
		{Title: "Campaigns", Path: "/campaigns", Key: "n", action: CampaignsView},
	}},
	{"Figures", []Item{
		{Title: "Reports", Path: "/reports", Key: "r", action: ReportsView},
		{Title: "Ads", Path: "/ads", Key: "a", action: ReportsView},
		{Title: "Records", Path: "/records", Key: "v", action: ReportsView},
	}},
	{"Watching", []Item{
		{Title: "Work list", Path: "/work", Key: "w", action: WorkView},
		{Title: "Trail", Path: "/trail", Key: "t", action: OrdersView},
		{Title: "Mails", Path: "/mails", Key: "m", action: MailsView},
		{Title: "Stripe", Path: "/stripe", Key: "y", action: StripeView},
	}},
	{"Back office", []Item{
		{Title: "Settings", Path: "/settings", Key: "s", action: SettingsView},
		{Title: "People", Path: "/people", Key: "e", action: PeopleManage},
		{Title: "Log", Path: "/audit", Key: "l", action: AuditView},
	}},
}

// navigationOf is the part of the navigation that a person may see, with the entry of a path
// marked.
func navigationOf(who Identity, path string) []Section {
	var out []Section
	for _, s := range navigation {
		section := Section{Title: s.Title}
		for _, item := range s.Items {
			if who.May(item.action) {
				item.Current = path == item.Path || item.Path != "/" && strings.HasPrefix(path, item.Path+"/")
				section.Items = append(section.Items, item)
			}
		}
		if len(section.Items) > 0 {
			out = append(out, section)
		}
	}
	return out
}
