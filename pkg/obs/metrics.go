package obs

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The metrics that every service has. docs/runbooks says which of them to alert on.
var (
	// HTTPSeconds is how long requests took, by service, route pattern and status class.
	HTTPSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "shop_http_request_seconds",
		Help:    "Duration of HTTP requests.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"service", "route", "status"})
	// HTTPErrors counts what HTTPSeconds has under 5xx, from 0 for each service: an alarm on a
	// series that first appears at 1 misses the first error.
	HTTPErrors = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_http_errors_total", Help: "HTTP requests answered with 5xx, by service.",
	}, []string{"service"})
	// OutboxRows is how many messages wait for their receivers' confirmation.
	OutboxRows = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_outbox_rows", Help: "Outbox rows not yet confirmed by their receivers.",
	}, []string{"service"})
	// OutboxAge is the age of the oldest of them.
	OutboxAge = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_outbox_oldest_seconds", Help: "Age of the oldest unconfirmed outbox row.",
	}, []string{"service"})
	// Statements counts what a service asks of its database, BEGIN and COMMIT included.
	Statements = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_statements_total", Help: "Statements sent to PostgreSQL, BEGIN and COMMIT among them, by service.",
	}, []string{"service"})
	// StatementSeconds is how long a service waited for the answers to them, those of a batch
	// together.
	StatementSeconds = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_statement_seconds_total", Help: "Time until PostgreSQL had answered statements, by service.",
	}, []string{"service"})
	// ConsumerPending is how many messages the broker holds for a consumer.
	ConsumerPending = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_consumer_pending", Help: "Messages waiting at the broker for a consumer.",
	}, []string{"consumer"})
	// ConsumerUnacked is how many messages a consumer was given and has neither acknowledged nor
	// refused.
	ConsumerUnacked = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_consumer_unacked", Help: "Messages that a consumer was given and has not acknowledged.",
	}, []string{"consumer"})
	// ConsumerRedelivered is how many of those were given more than once.
	ConsumerRedelivered = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_consumer_redelivered", Help: "Unacknowledged messages that were delivered more than once.",
	}, []string{"consumer"})
	// StreamBytes is what a stream holds. A full one refuses messages, which then stay in their
	// senders' outboxes.
	StreamBytes = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_stream_bytes", Help: "Bytes that a stream of the broker holds.",
	}, []string{"stream"})
	// StreamLimit is the most that it may hold.
	StreamLimit = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_stream_limit_bytes", Help: "Bytes that a stream of the broker may hold.",
	}, []string{"stream"})
	// Messages counts handled messages by consumer and outcome: done, repeat, retry, parked,
	// misfit.
	Messages = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_messages_total", Help: "Messages by consumer and outcome.",
	}, []string{"consumer", "outcome"})
	// MessageSeconds is how long a group of messages took.
	MessageSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "shop_message_group_seconds",
		Help:    "Duration of one group of messages, commit included.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
	}, []string{"consumer"})
	// WorkItems is what waits for a person by service and kind, as the work list of the back office
	// shows it. It is read from the tables, so that the first one counts as the second does, and
	// after a restart as before.
	WorkItems = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_work_items", Help: "Things that wait for a person, by service and kind.",
	}, []string{"service", "kind"})
	// BrokerUp is 1 while the service is connected to the broker.
	BrokerUp = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "shop_broker_connected", Help: "1 while connected to NATS.",
	}, []string{"service"})
)
