package adminui

import "time"

// TrailPath is the path below Prefix where each service says what it knows about orders, payments,
// events, carts or addresses, which the parameters key name. services/admin asks all and shows one
// timeline.
const TrailPath = "/trail"

// TrailKeys is the largest number of keys in one request.
const TrailKeys = 200

// Hop is one step on the way of an order through the services.
type Hop struct {
	At time.Time `json:"at"`
	// Step is what happened, a word that stays: checkout, paid, order, event, received, sending,
	// parked, mail, mail-sent, act.
	Step string `json:"step"`
	Text string `json:"text"`
	Who  string `json:"who,omitempty"` // the person of the staff who did it
	// About is what it happened to: an order's identifier, a mail's key.
	About string `json:"about,omitempty"`
	// Message is the key of the message, Stream and Sequence where the broker keeps it.
	Message  string `json:"message,omitempty"`
	Stream   string `json:"stream,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	Attempt  int    `json:"attempt,omitempty"`
	Trace    string `json:"trace,omitempty"`
	State    string `json:"state,omitempty"`
	Tone     string `json:"tone,omitempty"` // "", good, warn or bad
	To       string `json:"to,omitempty"`   // its page
}

// Trail is what a service knows about the keys of a request.
type Trail struct {
	Hops []Hop `json:"hops"`
	// Keys are further keys under which others know the same thing.
	Keys []string `json:"keys"`
}
