// Package webhook receives Stripe's events: it checks and stores them before it answers. Other
// services get them as messages and work out what they mean.
package webhook
