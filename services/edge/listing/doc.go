// Package listing holds the catalog in memory: every product as the contract's list shows it, in
// shop order, by price, by name, and by collection, cut into pages. Order feeds it (GET
// /internal/catalog); it calls no one itself. A List never changes; a change of the catalog makes a
// new one that shares all unchanged products.
package listing
