// Package contract holds the public contract of the shop's HTTP interface against a running shop,
// from outside and without knowing its code: the behavior that a frontend written for the
// interface, and Stripe, rely on.
package contract
