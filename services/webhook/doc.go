// Package webhook is Stripe's door: it checks and stores events before it answers.
package webhook
