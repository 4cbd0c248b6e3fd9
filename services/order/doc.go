// Package order is the catalog, carts, checkout and orders. Routes are in routes.go, the messages
// that it handles in consumers.go; a handler is in the file of its topic, its SQL in
// <topic>_store.go. By topic, in the order of a purchase:
//
//   - catalog*.go serves the catalog and tells edge about each change; import_*.go plans and stores
//     the changes of files of products, and export_store.go exports them, with package productfile;
//     picture*.go fetches and stores pictures, with package picture; restock.go is "back in stock"
//   - cart*.go, codes.go, discount.go, address.go, shipping.go and totals.go (with taxes.go) are a
//     cart and its sums
//   - confirm.go, shown.go, checkout*.go, sellable.go and holds.go lead to a payment page;
//     payment_pages.go and sweep.go close the pages that are no longer wanted
//   - payments.go, fulfil.go, placing*.go, success.go and payer.go turn a payment into an order,
//     debit.go handles payments whose bank takes days; package stripe is the client
//   - issue_reasons.go, resolve.go, dispute.go, refund*.go, money_sweep.go and ledger.go are
//     payments for staff, refunds and disputes; order_figures.go and given_back.go publish their
//     effect on figures and reports
//   - orders.go shows orders to customers; desk*.go, order_status.go, ship.go, packing.go,
//     cancel.go and readdress.go are the acts of staff
//   - automatic.go and segment.go answer mailer: who has left a cart, who bought what
//   - staff*.go are the pages of the back office, a file for each; work.go, trail.go and guide.go
//     contribute to pages of all services
//   - erasure*.go, merged_store.go and housekeeping.go erase and merge people, and delete old rows
package order
