package stripestandin

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// event is what a webhook carries and GET /v1/events lists.
type event struct {
	ID              string       `json:"id"`
	Object          string       `json:"object"`
	Account         string       `json:"account,omitempty"`
	APIVersion      string       `json:"api_version"`
	Created         int64        `json:"created"`
	Data            eventData    `json:"data"`
	Livemode        bool         `json:"livemode"`
	PendingWebhooks int          `json:"pending_webhooks"`
	Request         eventRequest `json:"request"`
	Type            string       `json:"type"`
}

type eventData struct {
	Object             json.RawMessage `json:"object"`
	PreviousAttributes map[string]any  `json:"previous_attributes,omitempty"`
}

type eventRequest struct {
	ID             text `json:"id"`
	IdempotencyKey text `json:"idempotency_key"`
}

// States of a delivery.
const (
	deliveryPending   = "pending"
	deliveryDelivered = "delivered"
	deliveryDropped   = "dropped"     // by the switch webhook_drop
	deliveryFailed    = "failed"      // given up after three days
	deliveryNowhere   = "no_endpoint" // no webhook address is configured
)

// delivery is the progress of an event's delivery to the webhook. Its times are those of the
// machine's clock, in milliseconds.
type delivery struct {
	EventID    string `json:"event"`
	State      string `json:"state"`
	Attempts   int    `json:"attempts"`
	Since      int64  `json:"since"`
	Next       int64  `json:"next,omitempty"`
	LastStatus int    `json:"last_status,omitempty"`
	LastError  string `json:"last_error,omitempty"`
}

// emit makes an event with the object's current state, and returns its id. The event is sent once
// the change is on disk.
func (t *tx) emit(eventType string, object any, previous map[string]any) string {
	raw, err := json.Marshal(object)
	if err != nil && t.err == nil {
		t.err = err
	}
	sw := &t.settings.Switches
	acts := sw.concerns(eventType)
	before := *sw
	e := event{
		Object:          "event",
		APIVersion:      t.s.apiVersion,
		Created:         t.now.Unix(),
		Type:            eventType,
		Data:            eventData{Object: raw, PreviousAttributes: previous},
		PendingWebhooks: 1,
		Request:         eventRequest{text(t.requestID), text(t.key)},
	}

	copies := 1
	if acts {
		if sw.WebhookAPIVersion != "" {
			e.APIVersion = sw.WebhookAPIVersion
		}
		e.Account = sw.WebhookAccount
		if sw.WebhookTwoIDs.take() {
			copies = 2
		}
	}

	drop := acts && sw.WebhookDrop.take()
	var first string
	for range copies {
		told := e
		told.ID = newID("evt_1", 23)
		if first == "" {
			first = told.ID
		}
		put(t, kindEvent, &t.events, told.ID, &told)
		t.dispatch(told.ID, acts, drop)
	}

	if sw.WebhookDrop != before.WebhookDrop || sw.WebhookTwoIDs != before.WebhookTwoIDs {
		t.putSettings()
	}
	return first
}

// dispatch schedules the delivery of an event.
func (t *tx) dispatch(id string, switched, drop bool) {
	now := time.Now()
	d := &delivery{EventID: id, State: deliveryPending, Since: now.UnixMilli(), Next: now.UnixMilli()}
	switch sw := t.settings.Switches; {
	case t.s.cfg.WebhookURL == "":
		d.State = deliveryNowhere
	case drop:
		d.State = deliveryDropped
	case switched:
		d.Next = now.Add(time.Duration(sw.WebhookDelayMS)*time.Millisecond + t.s.webhooks.reordered(now,
			sw.WebhookReorderMS)).UnixMilli()
	}
	if d.State != deliveryPending {
		d.Next = 0
	}
	t.putDelivery(d)
}

func (t *tx) putDelivery(d *delivery) {
	put(t, kindDelivery, &t.deliveries, d.EventID, d)
	if d.State == deliveryPending {
		t.scheduled = append(t.scheduled, due{time.UnixMilli(d.Next), d.EventID})
	}
}

// listed is the event as the API shows it, with the number of pending deliveries.
func (t *tx) listed(e *event) *event {
	shown := *e
	if d, ok := t.deliveries.get(e.ID); !ok || d.State != deliveryPending {
		shown.PendingWebhooks = 0
	}
	return &shown
}

// GET /v1/events/{id}
func retrieveEvent(t *tx, r *http.Request, p reader) (any, error) {
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	e, ok := t.events.get(r.PathValue("id"))
	if !ok || e.Created < t.now.Add(-eventTTL).Unix() {
		return nil, noSuch(http.StatusNotFound, "event", "id", r.PathValue("id"))
	}
	return t.listed(e), nil
}

// GET /v1/events
func listEvents(t *tx, _ *http.Request, p reader) (any, error) {
	pg := readPage(p)
	created := readRange(p, "created")
	types := p.strings("types", 20, 100)
	if one := p.str("type", 100); one != "" {
		types = append(types, one)
	}
	delivered := p.enum("delivery_success", "true", "false")
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}

	t.applyTimeToAll()
	created.low = max(created.low, t.now.Add(-eventTTL).Unix())
	var found []*event
	for id, e := range t.events.newest() {
		if !created.holds(e.Created) || len(types) > 0 &&
			!slices.ContainsFunc(types, func(want string) bool { return matches(want, e.Type) }) {
			continue
		}
		if d, ok := t.deliveries.get(id); delivered != "" && ok &&
			(d.State == deliveryDelivered) != (delivered == "true") {
			continue
		}
		found = append(found, t.listed(e))
	}

	return paginate(pg, "/v1/events", "event", found, func(e *event) string { return e.ID })
}

// matches compares an event type with a filter, which may end in ".*".
func matches(filter, eventType string) bool {
	if n := len(filter) - 1; n > 0 && filter[n] == '*' && filter[n-1] == '.' {
		return len(eventType) > n && eventType[:n] == filter[:n]
	}
	return filter == eventType
}
