// Package contract tests a running shop against the public contract of its HTTP interface, from
// outside and without knowing its code: the behavior that a frontend written for the interface, and
// Stripe, rely on.
package contract
