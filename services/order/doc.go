// Package order is the catalog, carts, checkout and orders. Routes are in routes.go, messages that
// it acts on in consumers.go; a handler is in the file of its topic, its SQL in <topic>_store.go.
// By topic, in the order in which a purchase meets them:
//
//   - catalog*.go answers what is sold and tells edge of each change; import_*.go plans and stores what files of
//     products change, and export_store.go gives them out, with package productfile; picture*.go fetches and keeps
//     pictures, with package picture; restock.go is "back in stock"
//   - cart*.go, codes.go, discount.go, address.go, shipping.go and totals.go (with taxes.go) are a cart and its sums
//   - confirm.go, shown.go, checkout*.go, sellable.go and holds.go lead to a payment page; payment_pages.go and
//     sweep.go close the pages that are no longer wanted
//   - payments.go, fulfil.go, placing*.go, success.go and payer.go make an order of a payment, debit.go one whose bank
//     takes days; package stripe is the client
//   - resolve.go, dispute.go, refund*.go, money_sweep.go and ledger.go are money that is for staff, or goes back;
//     order_figures.go and given_back.go tell reports of it
//   - orders.go is what a customer sees of orders; desk*.go, order_status.go, ship.go, packing.go, cancel.go and
//     readdress.go are what staff do with them
//   - automatic.go and segment.go answer mailer: who has left a cart, who bought what
//   - staff*.go are the pages of the back office, a file for each; work.go, trail.go and guide.go feed those of all
//   - erasure*.go, merged_store.go and housekeeping.go are people and rows that go
package order
