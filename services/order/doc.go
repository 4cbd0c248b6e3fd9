// Package order is the catalogue, carts, checkout and orders.
package order
