package adminui

import "slices"

// Role is what a person is in the back office; a person has one or more.
type Role string

// The roles, from the widest to the narrowest.
const (
	Owner      Role = "owner"
	Manager    Role = "manager"
	Fulfilment Role = "fulfilment"
	Marketing  Role = "marketing"
	Support    Role = "support"
	ReadOnly   Role = "read-only"
)

// Roles are all roles, in the order in which pages show them.
var Roles = []Role{Owner, Manager, Fulfilment, Marketing, Support, ReadOnly}

// RoleTexts say what each role is for.
var RoleTexts = map[Role]string{
	Owner:      "Owner: everything, people too",
	Manager:    "Manager: everything but people",
	Fulfilment: "Fulfilment: orders, to pack and ship them",
	Marketing:  "Marketing: catalog, codes, newsletters, figures",
	Support:    "Support: customers, chat, orders, without money",
	ReadOnly:   "Read only: sees, changes nothing",
}

// Action is something that a right is needed for: an area and what is done in it.
type Action string

// The actions. Every staff route names one of them.
const (
	HomeView Action = "home.view"

	OrdersView   Action = "orders.view"
	OrdersFulfil Action = "orders.fulfil"
	OrdersEdit   Action = "orders.edit"
	OrdersCancel Action = "orders.cancel"
	OrdersRefund Action = "orders.refund"

	WorkView Action = "work.view"
	WorkAct  Action = "work.act"

	CustomersView   Action = "customers.view"
	CustomersEdit   Action = "customers.edit"
	CustomersExport Action = "customers.export"
	CustomersErase  Action = "customers.erase"
	CustomersImport Action = "customers.import"
	TermsPublish    Action = "terms.publish"
	ChatView        Action = "chat.view"
	ChatAnswer      Action = "chat.answer"

	CatalogView   Action = "catalog.view"
	CatalogEdit   Action = "catalog.edit"
	CatalogPrice  Action = "catalog.price"
	DiscountsView Action = "discounts.view"
	DiscountsEdit Action = "discounts.edit"

	CampaignsView Action = "campaigns.view"
	CampaignsEdit Action = "campaigns.edit"
	CampaignsSend Action = "campaigns.send" // to more than a hundred
	MailsView     Action = "mails.view"
	MailsAct      Action = "mails.act"
	TemplatesEdit Action = "templates.edit" // the words of all mails but newsletters
	ReportsView   Action = "reports.view"
	ReportsEdit   Action = "reports.edit" // what is recorded
	AdsEdit       Action = "ads.edit"
	StripeView    Action = "stripe.view"

	SettingsView Action = "settings.view"
	SettingsEdit Action = "settings.edit"

	PeopleManage Action = "people.manage"
	TokensManage Action = "tokens.manage"
	AuditView    Action = "audit.view"
)

// right is a row of the table of rights.
type right struct {
	action Action
	// fresh asks for a second factor that is not older than FreshTTL: money and people.
	fresh bool
	roles []Role
}

// rights says who may do what. It is the only place that does.
var rights = []right{
	{HomeView, false, Roles},

	{OrdersView, false, []Role{Owner, Manager, Fulfilment, Support, ReadOnly}},
	{OrdersFulfil, false, []Role{Owner, Manager, Fulfilment}},
	{OrdersEdit, false, []Role{Owner, Manager, Fulfilment, Support}},
	{OrdersCancel, true, []Role{Owner, Manager}},
	{OrdersRefund, true, []Role{Owner, Manager}},

	{WorkView, false, []Role{Owner, Manager, Fulfilment, Support, ReadOnly}},
	{WorkAct, false, []Role{Owner, Manager}},

	{CustomersView, false, []Role{Owner, Manager, Support, ReadOnly}},
	{CustomersEdit, false, []Role{Owner, Manager, Support}},
	{CustomersExport, true, []Role{Owner, Manager}},
	{CustomersErase, true, []Role{Owner, Manager}},
	{CustomersImport, false, []Role{Owner, Manager}},
	{TermsPublish, true, []Role{Owner, Manager}},
	{ChatView, false, []Role{Owner, Manager, Support, ReadOnly}},
	{ChatAnswer, false, []Role{Owner, Manager, Support}},

	{CatalogView, false, Roles},
	{CatalogEdit, false, []Role{Owner, Manager, Marketing}},
	{CatalogPrice, true, []Role{Owner, Manager}},
	{DiscountsView, false, []Role{Owner, Manager, Marketing, Support, ReadOnly}},
	{DiscountsEdit, true, []Role{Owner, Manager, Marketing}},

	{CampaignsView, false, []Role{Owner, Manager, Marketing, ReadOnly}},
	{CampaignsEdit, false, []Role{Owner, Manager, Marketing}},
	{CampaignsSend, true, []Role{Owner, Manager, Marketing}},
	{MailsView, false, []Role{Owner, Manager, Support, ReadOnly}},
	{MailsAct, false, []Role{Owner, Manager, Support}},
	{TemplatesEdit, true, []Role{Owner, Manager}},
	{ReportsView, false, []Role{Owner, Manager, Marketing, ReadOnly}},
	{ReportsEdit, false, []Role{Owner, Manager}},
	{AdsEdit, false, []Role{Owner, Manager, Marketing}},
	{StripeView, false, []Role{Owner, Manager, Support, ReadOnly}},

	{SettingsView, false, []Role{Owner, Manager, ReadOnly}},
	{SettingsEdit, true, []Role{Owner, Manager}},

	{PeopleManage, true, []Role{Owner}},
	{TokensManage, true, []Role{Owner, Manager}},
	{AuditView, false, []Role{Owner, Manager, ReadOnly}},
}

// FreshTexts say what the actions are that ask for a fresh second factor.
var FreshTexts = map[Action]string{
	OrdersCancel:    "Cancel an order",
	OrdersRefund:    "Give money back",
	CustomersExport: "Read all that the shop has of a customer",
	CustomersErase:  "Erase a customer",
	TermsPublish:    "Publish terms",
	CatalogPrice:    "Change prices",
	DiscountsEdit:   "Change discount codes",
	CampaignsSend:   "Send a newsletter to many",
	TemplatesEdit:   "Change the words of mails",
	SettingsEdit:    "Change settings",
	PeopleManage:    "See and change who works here",
	TokensManage:    "See and change API tokens",
}

// Actions are all actions, in the order of the table.
func Actions() []Action {
	all := make([]Action, len(rights))
	for i, r := range rights {
		all[i] = r.action
	}
	return all
}

// Allowed reports whether one of the roles may do the action. No one may do an action that is not
// in the table.
func Allowed(roles []Role, a Action) bool {
	for _, r := range rights {
		if r.action == a {
			return slices.ContainsFunc(roles, func(have Role) bool { return slices.Contains(r.roles, have) })
		}
	}
	return false
}

// NeedsFresh reports whether the action asks for a fresh second factor.
func NeedsFresh(a Action) bool {
	return slices.ContainsFunc(rights, func(r right) bool { return r.action == a && r.fresh })
}
