// Package webhook is Stripe's door: it checks and stores events before it answers. What an event
// means is worked out by others, to whom it travels as a message.
package webhook
