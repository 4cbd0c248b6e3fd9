package order

import (
	"embed"
	"slices"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff is order's part of the back office: one line for each route, with the right that it
// requires.
func (s *server) staff() adminui.Pages {
	const one = "/orders/{identifier}"
	return adminui.Pages{Templates: staffTemplates, Routes: slices.Concat(s.staffCatalog(), s.discountRoutes(),
		s.settingsRoutes(), []adminui.Route{
			adminui.HomeRoute(s.staffHome, s.guideSteps),
			{Method: "GET", Path: "/payments", Action: adminui.WorkView, Handle: s.staffPayments},
			{Method: "GET", Path: "/payments/{id}", Action: adminui.WorkView, Handle: s.staffPayment},
			{Method: "POST", Path: "/payments/{id}/order", Action: adminui.WorkAct, Handle: s.staffCreateOrder},
			{Method: "POST", Path: "/payments/{id}/refund", Action: adminui.OrdersRefund, Handle: s.staffRefundPayment},
			{Method: "POST", Path: "/payments/{id}/resolve", Action: adminui.WorkAct, Handle: s.staffResolvePayment},
			{Method: "GET", Path: "/orders", Action: adminui.OrdersView, Handle: s.staffOrders},
			{Method: "POST", Path: "/orders/views", Action: adminui.OrdersView, Handle: s.staffCreateView},
			{Method: "POST", Path: "/orders/views/{id}/drop", Action: adminui.OrdersView, Handle: s.staffDeleteView},
			{Method: "GET", Path: "/orders/ship", Action: adminui.OrdersFulfil, Handle: s.staffShipMany},
			{Method: "POST", Path: "/orders/ship", Action: adminui.OrdersFulfil, Handle: s.staffShipThese},
			{Method: "GET", Path: "/orders/slips", Action: adminui.OrdersView, Handle: s.staffSlips},
			{Method: "GET", Path: "/orders/pick", Action: adminui.OrdersView, Handle: s.staffPickList},
			{Method: "POST", Path: "/orders/bulk/ship", Action: adminui.OrdersFulfil, Handle: s.staffChosen("ship")},
			{Method: "POST", Path: "/orders/bulk/slips", Action: adminui.OrdersView, Handle: s.staffChosen("slips")},
			{Method: "POST", Path: "/orders/bulk/pick", Action: adminui.OrdersView, Handle: s.staffChosen("pick")},
			{Method: "POST", Path: "/orders/bulk/move/{status}", Action: adminui.OrdersFulfil,
				Handle: s.staffMoveChosen},

			{Method: "GET", Path: one, Action: adminui.OrdersView, Handle: s.staffOrder},
			{Method: "POST", Path: one + "/notes", Action: adminui.OrdersEdit, Handle: s.do(noteOrder, s.addNote)},
			{Method: "POST", Path: one + "/status", Action: adminui.OrdersFulfil, Handle: s.do(moveForm, s.moveOrder)},
			{Method: "GET", Path: one + "/ship", Action: adminui.OrdersFulfil, Handle: s.ask(shipForm)},
			{Method: "POST", Path: one + "/ship", Action: adminui.OrdersFulfil, Handle: s.do(shipForm, s.shipOrder)},
			{Method: "GET", Path: one + "/parcels/{parcel}", Action: adminui.OrdersFulfil, Handle: s.ask(correctForm)},
			{Method: "POST", Path: one + "/parcels/{parcel}", Action: adminui.OrdersFulfil,
				Handle: s.do(correctForm, s.correctParcel)},
			{Method: "POST", Path: one + "/undo", Action: adminui.OrdersFulfil, Handle: s.do(undoForm, s.undoParcel)},
			{Method: "GET", Path: one + "/refund", Action: adminui.OrdersRefund, Handle: s.ask(refundForm)},
			{Method: "POST", Path: one + "/refund", Action: adminui.OrdersRefund,
				Handle: s.do(refundForm, s.refundOrder)},
			{Method: "POST", Path: one + "/refund/total", Action: adminui.OrdersRefund,
				Handle: s.do(refundForm, s.refundTotal)},
			{Method: "GET", Path: one + "/cancel", Action: adminui.OrdersCancel, Handle: s.ask(cancelForm)},
			{Method: "POST", Path: one + "/cancel", Action: adminui.OrdersCancel,
				Handle: s.do(cancelForm, s.cancelOrder)},
			{Method: "GET", Path: one + "/address", Action: adminui.OrdersEdit, Handle: s.ask(addressForm)},
			{Method: "POST", Path: one + "/address", Action: adminui.OrdersEdit,
				Handle: s.do(addressForm, s.readdressOrder)},
		})}
}

// staffCatalog are the routes of the catalog's editor.
func (s *server) staffCatalog() []adminui.Route {
	const product, collection = "/catalog/products/{identifier}", "/catalog/collections/{address}"
	view, edit := adminui.CatalogView, adminui.CatalogEdit
	return []adminui.Route{
		{Method: "GET", Path: "/catalog", Action: view, Handle: s.staffProducts},
		{Method: "GET", Path: "/catalog/new", Action: edit, Handle: s.staffNewProduct},
		{Method: "POST", Path: "/catalog/new", Action: edit, Handle: s.staffCreateProduct},
		{Method: "POST", Path: "/catalog/preview", Action: view, Handle: s.staffPreviewTexts},
		{Method: "GET", Path: product, Action: view, Handle: s.staffProduct},
		{Method: "POST", Path: product, Action: edit, Handle: s.staffUpdateProduct},
		{Method: "POST", Path: product + "/retire", Action: edit, Handle: s.staffRetireProduct(true)},
		{Method: "POST", Path: product + "/restore", Action: edit, Handle: s.staffRetireProduct(false)},
		{Method: "GET", Path: product + "/media", Action: view, Handle: s.staffMedia},
		{Method: "POST", Path: product + "/media", Action: edit, Handle: s.staffUpdateMedia},
		{Method: "POST", Path: product + "/media/upload", Action: edit, Handle: s.staffUpload},
		{Method: "POST", Path: product + "/media/fetch", Action: edit, Handle: s.staffFetchMedia},
		{Method: "GET", Path: product + "/skus", Action: view, Handle: s.staffSKUs},
		{Method: "POST", Path: product + "/skus", Action: edit, Handle: s.staffUpdateSKUs}, // prices need another right
		{Method: "POST", Path: product + "/skus/add", Action: adminui.CatalogPrice, Handle: s.staffCreateSKUs},
		{Method: "GET", Path: product + "/prices", Action: view, Handle: s.staffPrices},
		{Method: "POST", Path: product + "/prices", Action: adminui.CatalogPrice, Handle: s.staffPlanPrice},
		{Method: "POST", Path: product + "/prices/end", Action: adminui.CatalogPrice, Handle: s.staffEndPrice},
		{Method: "GET", Path: product + "/stock", Action: view, Handle: s.staffStock},
		{Method: "POST", Path: product + "/stock", Action: edit, Handle: s.staffAdjustStock},
		{Method: "GET", Path: "/catalog/states", Action: view, Handle: s.staffStockStates},
		{Method: "GET", Path: "/catalog/states/{state}", Action: view, Handle: s.staffStockState},
		{Method: "POST", Path: "/catalog/states/{state}", Action: edit, Handle: s.staffUpdateStockState},
		{Method: "GET", Path: "/catalog/import", Action: view, Handle: s.staffImports},
		{Method: "POST", Path: "/catalog/import/upload", Action: adminui.CatalogPrice, Handle: s.staffCreateImport},
		{Method: "GET", Path: "/catalog/import/{import}", Action: view, Handle: s.staffImport},
		{Method: "POST", Path: "/catalog/import/{import}/apply", Action: adminui.CatalogPrice,
			Handle: s.staffApplyImport},
		{Method: "POST", Path: "/catalog/import/{import}/undo", Action: adminui.CatalogPrice,
			Handle: s.staffUndoImport},
		{Method: "POST", Path: "/catalog/import/{import}/pictures", Action: edit, Handle: s.staffFetchImportMedia},
		{Method: "GET", Path: "/catalog/export/{kind}.csv", Action: view, Handle: s.staffExport},
		{Method: "GET", Path: "/catalog/template/{kind}.csv", Action: view, Handle: s.staffTemplate},
		{Method: "GET", Path: "/catalog/collections", Action: view, Handle: s.staffCollections},
		{Method: "GET", Path: "/catalog/collections/new", Action: edit, Handle: s.staffNewCollection},
		{Method: "POST", Path: "/catalog/collections/new", Action: edit, Handle: s.staffCreateCollection},
		{Method: "GET", Path: collection, Action: view, Handle: s.staffCollection},
		{Method: "POST", Path: collection, Action: edit, Handle: s.staffUpdateCollection},
		{Method: "POST", Path: collection + "/drop", Action: edit, Handle: s.staffDeleteCollection},
	}
}

// discountRoutes are the pages about discount codes.
func (s *server) discountRoutes() []adminui.Route {
	return []adminui.Route{
		{Method: "GET", Path: "/discounts", Action: adminui.DiscountsView, Handle: s.staffDiscounts},
		{Method: "GET", Path: "/discounts/new", Action: adminui.DiscountsEdit, Handle: s.staffNewDiscount},
		{Method: "POST", Path: "/discounts", Action: adminui.DiscountsEdit, Handle: s.staffCreateDiscount},
		{Method: "GET", Path: "/discounts/bulk", Action: adminui.DiscountsEdit, Handle: s.staffNewBatch},
		{Method: "POST", Path: "/discounts/bulk", Action: adminui.DiscountsEdit, Handle: s.staffCreateBatch},
		{Method: "GET", Path: "/discounts/batches", Action: adminui.DiscountsView, Handle: s.staffDiscountBatches},
		{Method: "POST", Path: "/discounts/batches/{id}/end", Action: adminui.DiscountsEdit, Handle: s.staffEndBatch},
		{Method: "GET", Path: "/discounts/{id}", Action: adminui.DiscountsView, Handle: s.staffDiscount},
		{Method: "POST", Path: "/discounts/{id}", Action: adminui.DiscountsEdit, Handle: s.staffUpdateDiscount},
		{Method: "POST", Path: "/discounts/{id}/end", Action: adminui.DiscountsEdit, Handle: s.staffEndDiscount},
		{Method: "POST", Path: "/discounts/{id}/delete", Action: adminui.DiscountsEdit, Handle: s.staffDeleteDiscount},
	}
}

// settingsRoutes are the settings, and the guide of a new shop.
func (s *server) settingsRoutes() []adminui.Route {
	return []adminui.Route{
		{Method: "GET", Path: "/settings", Action: adminui.SettingsView, Handle: s.staffSettings},
		{Method: "POST", Path: "/settings/guide/stripe", Action: adminui.SettingsEdit, Handle: s.staffCallStripe},
		{Method: "POST", Path: "/settings/guide/mail", Action: adminui.SettingsEdit, Handle: s.staffTestMail},
		{Method: "POST", Path: "/settings/guide/hide", Action: adminui.SettingsEdit, Handle: s.staffHideGuide},
		{Method: "POST", Path: "/settings/guide/show", Action: adminui.SettingsEdit, Handle: s.staffShowGuide},
		{Method: "GET", Path: "/settings/shop", Action: adminui.SettingsView, Handle: s.showSettings(shopGroup)},
		{Method: "POST", Path: "/settings/shop", Action: adminui.SettingsEdit, Handle: s.updateSettings(shopGroup)},
		{Method: "GET", Path: "/settings/checkout", Action: adminui.SettingsView,
			Handle: s.showSettings(checkoutGroup)},
		{Method: "POST", Path: "/settings/checkout", Action: adminui.SettingsEdit,
			Handle: s.updateSettings(checkoutGroup)},
		{Method: "GET", Path: "/settings/taxes", Action: adminui.SettingsView, Handle: s.showSettings(taxGroup)},
		{Method: "POST", Path: "/settings/taxes", Action: adminui.SettingsEdit, Handle: s.updateSettings(taxGroup)},
		{Method: "GET", Path: "/settings/automatic-mails", Action: adminui.SettingsView,
			Handle: s.showSettings(automaticGroup)},
		{Method: "POST", Path: "/settings/automatic-mails", Action: adminui.SettingsEdit,
			Handle: s.updateSettings(automaticGroup)},
		{Method: "GET", Path: "/settings/shipping", Action: adminui.SettingsView, Handle: s.staffShipping},
		{Method: "POST", Path: "/settings/shipping", Action: adminui.SettingsEdit, Handle: s.staffCreateShipping},
		{Method: "GET", Path: "/settings/shipping/new", Action: adminui.SettingsEdit, Handle: s.staffNewShipping},
		{Method: "GET", Path: "/settings/shipping/{id}", Action: adminui.SettingsView, Handle: s.staffShippingMethod},
		{Method: "POST", Path: "/settings/shipping/{id}", Action: adminui.SettingsEdit, Handle: s.staffUpdateShipping},
		{Method: "GET", Path: "/settings/weights", Action: adminui.SettingsView, Handle: s.staffWeights},
		{Method: "POST", Path: "/settings/weights", Action: adminui.SettingsEdit, Handle: s.staffUpdateWeights},
		{Method: "GET", Path: "/settings/statuses", Action: adminui.SettingsView, Handle: s.staffStatuses},
		{Method: "POST", Path: "/settings/statuses", Action: adminui.SettingsEdit, Handle: s.staffCreateStatus},
		{Method: "GET", Path: "/settings/statuses/new", Action: adminui.SettingsEdit, Handle: s.staffNewStatus},
		{Method: "GET", Path: "/settings/statuses/{identifier}", Action: adminui.SettingsView, Handle: s.staffStatus},
		{Method: "POST", Path: "/settings/statuses/{identifier}", Action: adminui.SettingsEdit,
			Handle: s.staffUpdateStatus},
		{Method: "POST", Path: "/settings/statuses/{identifier}/delete", Action: adminui.SettingsEdit,
			Handle: s.staffDeleteStatus},
	}
}
