// Package webhook is where Stripe delivers events: it checks and stores them before it answers. What an event
// means is worked out by others, to whom it travels as a message.
package webhook
