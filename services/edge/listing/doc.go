// Package listing holds what the shop lists: every product as the contract's list shows it, in shop order, by price,
// by name, and by collection, cut into pages. It is fed by order (GET /internal/catalog) and asks no one. A List never
// changes; a change of the catalog makes a new one that shares all products that stayed the same.
package listing
