package events

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff is events' part of the back office: one line for each route, with the right that it
// requires.
func (s *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		{Method: "GET", Path: "/reports", Action: adminui.ReportsView, Handle: s.staffOverview},
		{Method: "GET", Path: "/reports/live", Action: adminui.ReportsView, Handle: s.staffLive},
		{Method: "GET", Path: "/records/settings", Action: adminui.ReportsView, Handle: s.staffRecordingSettings},
		{Method: "POST", Path: "/records/settings", Action: adminui.ReportsEdit,
			Handle: s.staffUpdateRecordingSettings},
		{Method: "GET", Path: "/reports/visits", Action: adminui.ReportsView, Handle: s.staffDays(visitsReport)},
		{Method: "GET", Path: "/reports/funnel", Action: adminui.ReportsView, Handle: s.staffDays(funnelReport)},
		{Method: "GET", Path: "/reports/sales", Action: adminui.ReportsView, Handle: s.staffDays(salesReport)},
		{Method: "GET", Path: "/reports/buyers", Action: adminui.ReportsView, Handle: s.staffDays(buyersReport)},
		{Method: "GET", Path: "/reports/sources", Action: adminui.ReportsView, Handle: s.staffParts(sourcesReport)},
		{Method: "GET", Path: "/reports/mail/{code}", Action: adminui.ReportsView, Handle: s.staffMailFigures},
		{Method: "GET", Path: "/reports/products", Action: adminui.ReportsView, Handle: s.staffParts(productsReport)},
		{Method: "GET", Path: "/reports/collections", Action: adminui.ReportsView,
			Handle: s.staffParts(collectionsReport)},
		{Method: "GET", Path: "/reports/codes", Action: adminui.ReportsView, Handle: s.staffParts(codesReport)},
		{Method: "GET", Path: "/reports/countries", Action: adminui.ReportsView, Handle: s.staffParts(countriesReport)},
		{Method: "GET", Path: "/reports/pages", Action: adminui.ReportsView, Handle: s.staffParts(pagesReport)},
		{Method: "GET", Path: "/reports/errors", Action: adminui.ReportsView, Handle: s.staffParts(errorsReport)},
		{Method: "GET", Path: "/reports/searches", Action: adminui.ReportsView, Handle: s.staffParts(searchesReport)},

		{Method: "GET", Path: "/records", Action: adminui.ReportsView, File: adminui.CustomersExport,
			Handle: s.staffList(pageViewList)},
		{Method: "GET", Path: "/records/arrivals", Action: adminui.ReportsView, Handle: s.staffList(arrivalList)},
		{Method: "GET", Path: "/records/clicks", Action: adminui.ReportsView, Handle: s.staffList(clickList)},
		{Method: "GET", Path: "/records/failed-calls", Action: adminui.ReportsView, Handle: s.staffList(callErrorList)},

		{Method: "GET", Path: "/ads", Action: adminui.ReportsView, Handle: s.staffAds},
		{Method: "POST", Path: "/ads", Action: adminui.AdsEdit, Handle: s.staffCreateAd},
		{Method: "GET", Path: "/ads/new", Action: adminui.AdsEdit, Handle: s.staffNewAd},
		{Method: "GET", Path: "/ads/{id}", Action: adminui.ReportsView, Handle: s.staffAd},
		{Method: "POST", Path: "/ads/{id}", Action: adminui.AdsEdit, Handle: s.staffUpdateAd},
	}}
}

// reportTabs lead from one report to the others, in their order.
var reportTabs = []tabTo{
	{"Overview", "/reports"}, {"Live", "/reports/live"}, {"Sales", "/reports/sales"}, {"Products", "/reports/products"},
	{"Collections", "/reports/collections"}, {"Codes", "/reports/codes"}, {"Countries", "/reports/countries"},
	{"Buyers", "/reports/buyers"}, {"Visits", "/reports/visits"}, {"Funnel", "/reports/funnel"},
	{"Sources", "/reports/sources"}, {"Pages", "/reports/pages"}, {"Searches", "/reports/searches"},
	{"Errors", "/reports/errors"},
}

// recordTabs lead from one list of what browsers reported to the others.
var recordTabs = []tabTo{
	{"Page views", "/records"}, {"Arrivals by link", "/records/arrivals"}, {"Clicks", "/records/clicks"},
	{"Failed calls", "/records/failed-calls"}, {"Recording", "/records/settings"},
}

// tabTo is a tab and its path.
type tabTo struct{ title, path string }
