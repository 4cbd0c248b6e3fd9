// Package msg names everything that crosses services: streams, subjects, consumers, payloads.
// Fields are only ever added. Message keys come from the business (a Stripe event id, an order's
// identifier) and are never random, so that the same effect written twice is one message.
package msg

import (
	"slices"
	"strings"
	"time"
)

// Stream is the configuration of one JetStream stream. All keep messages by limits: a work queue
// would pay a synced delete for each acknowledgement.
type Stream struct {
	Name     string
	Subjects []string
	MaxAge   time.Duration
	MaxBytes int64
	// DropOld makes a full stream drop its oldest messages. Without it a full stream refuses new
	// ones, which then wait in the sender's outbox: the right end for anything that matters.
	DropOld bool
	// Async lets the broker acknowledge before the disk has a message: for analytics only.
	Async bool
	// Counters makes a stream of counters in memory, for rate limits.
	Counters bool
}

const (
	day = 24 * time.Hour
	gib = 1 << 30
)

// Streams is the list that provisioning makes and keeps up to date.
var Streams = []Stream{
	{Name: "STRIPE", Subjects: []string{"stripe.>"}, MaxAge: 30 * day, MaxBytes: 8 * gib},
	{Name: "ORDER", Subjects: []string{"order.>", "catalog.>"}, MaxAge: 30 * day, MaxBytes: 8 * gib},
	{Name: "USER", Subjects: []string{"user.>"}, MaxAge: 30 * day, MaxBytes: 2 * gib},
	{Name: "MAIL", Subjects: []string{"mail.>"}, MaxAge: 7 * day, MaxBytes: 4 * gib},
	{Name: "STAFF", Subjects: []string{"staff.>"}, MaxAge: 30 * day, MaxBytes: gib},
	{Name: "EVENT", Subjects: []string{"event.>"}, MaxAge: 7 * day, MaxBytes: 20 * gib, DropOld: true, Async: true},
	{Name: "DEAD", Subjects: []string{"dead.>"}, MaxAge: 90 * day, MaxBytes: gib},
	{
		Name: "ADVISORY",
		Subjects: []string{"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
			"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>"},
		MaxAge:   90 * day,
		MaxBytes: gib,
		DropOld:  true,
	},
	{
		Name:     "LIMITS",
		Subjects: []string{"rl.>"},
		MaxAge:   2 * time.Hour,
		MaxBytes: 64 << 20,
		DropOld:  true,
		Counters: true,
	},
}

// Consumer is one durable pull consumer: which service reads what from which stream.
type Consumer struct {
	Name          string // durable name: <service>-<what>
	Stream        string
	Subjects      []string
	AckWait       time.Duration
	MaxAckPending int
}

// The durable consumers by name.
const (
	EdgeUser    = "edge-user"
	OrderStripe = "order-stripe"
	OrderUser   = "order-user"
	UserOrder   = "user-order"
	UserMoney   = "user-money"
	MailerMail  = "mailer-mail"
	MailerUser  = "mailer-user"
	MailerOrder = "mailer-order"
	EventsEvent = "events-event"
	EventsOrder = "events-order"
	EventsGiven = "events-given"
	EventsUser  = "events-user"
	EventsMail  = "events-mail"
	WebhookUser = "webhook-user"
	AdminStaff  = "admin-staff"
	AdminUser   = "admin-user"
)

const (
	// ackWait is how long the broker waits for an acknowledgement before it delivers a message
	// again; work on a group takes less.
	ackWait = 30 * time.Second
	// ackPending is how many messages may be under way to a consumer at once.
	ackPending = 1000
)

// Consumers is the list that provisioning makes and keeps up to date. None has a limit of
// deliveries: the broker must never stop delivering a paid order by itself.
var Consumers = []Consumer{
	{
		Name:          EdgeUser,
		Stream:        "USER",
		Subjects:      []string{UserCredentialsChanged, UserProfileChanged, UserErased},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          OrderStripe,
		Stream:        "STRIPE",
		Subjects:      []string{"stripe.>"},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:   OrderUser,
		Stream: "USER",
		Subjects: []string{UserEmailVerified, ProspectChanged, UserErased,
			UserMerged},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          UserOrder,
		Stream:        "ORDER",
		Subjects:      []string{OrderPlacedSubject, ReceiptAddressGivenSubject},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          UserMoney,
		Stream:        "ORDER",
		Subjects:      []string{OrderMoneySubject},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          MailerMail,
		Stream:        "MAIL",
		Subjects:      []string{"mail.send.>"},
		AckWait:       60 * time.Second,
		MaxAckPending: ackPending,
	},
	{
		Name:   MailerUser,
		Stream: "USER",
		Subjects: []string{UserRegistered, UserProfileChanged, UserPreferencesChanged,
			ProspectChanged, UserErased},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          MailerOrder,
		Stream:        "ORDER",
		Subjects:      []string{ShopChanged},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          EventsEvent,
		Stream:        "EVENT",
		Subjects:      []string{"event.>"},
		AckWait:       ackWait,
		MaxAckPending: 5000,
	},
	{
		Name:          EventsOrder,
		Stream:        "ORDER",
		Subjects:      []string{OrderPlacedSubject, OrderStatusChangedSubject},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          EventsGiven,
		Stream:        "ORDER",
		Subjects:      []string{OrderGivenBackSubject},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          EventsUser,
		Stream:        "USER",
		Subjects:      []string{UserRegistered, ProspectChanged, UserErased},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          WebhookUser,
		Stream:        "USER",
		Subjects:      []string{UserErased},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          AdminStaff,
		Stream:        "STAFF",
		Subjects:      []string{"staff.acted.*"},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          AdminUser,
		Stream:        "USER",
		Subjects:      []string{UserErased},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
	{
		Name:          EventsMail,
		Stream:        "MAIL",
		Subjects:      []string{MailSentSubject},
		AckWait:       ackWait,
		MaxAckPending: ackPending,
	},
}

// Receivers names the consumers that must have committed a message of this subject before its
// sender may delete it. None: the broker's acknowledgement is enough.
func Receivers(subject string) []string {
	var names []string
	for _, c := range Consumers {
		if slices.ContainsFunc(c.Subjects, func(filter string) bool { return Matches(filter, subject) }) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Matches reports whether a subject falls under a NATS filter with * and >.
func Matches(filter, subject string) bool {
	for filter != ">" {
		token, moreFilter, filterGoesOn := strings.Cut(filter, ".")
		word, moreSubject, subjectGoesOn := strings.Cut(subject, ".")
		if token != "*" && token != word {
			return false
		}
		if !filterGoesOn || !subjectGoesOn {
			return filterGoesOn == subjectGoesOn
		}
		filter, subject = moreFilter, moreSubject
	}
	return true
}

// Message is one message on its way into an outbox or a stream.
type Message struct {
	// Key is the business key. A receiver acts on a key once.
	Key     string
	Subject string
	// Payload is marshalled as JSON; Raw goes as it is.
	Payload any
	// Trace is the traceparent of what the message reports; that of the context when it is "".
	Trace string
}

// Raw is a payload that is JSON already.
type Raw []byte
