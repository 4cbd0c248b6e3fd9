package stripestandin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Times says how often a switch acts: 0 never, n > 0 the next n times, Always until it is reset.
// In JSON also true (Always), false (0), "all" and "on" (Always).
type Times int

// Always keeps a switch on until it is set to 0.
const Always Times = -1

// UnmarshalJSON reads a number, a boolean, "all" or "on".
func (n *Times) UnmarshalJSON(b []byte) error {
	word := strings.Trim(string(b), `"`) // numbers of a form arrive as texts
	switch word {
	case "true", "all", "on", "always":
		*n = Always
		return nil
	case "false", "off", "null", "":
		*n = 0
		return nil
	}
	v, err := strconv.Atoi(word)
	if err != nil || v < -1 {
		return fmt.Errorf("want a number, true, false or \"all\"")
	}
	*n = Times(v)
	return nil
}

// take uses a switch once and reports whether it acts.
func (n *Times) take() bool {
	if *n > 0 {
		*n--
		return true
	}
	return *n < 0
}

// Fields of a session that hold the shipping address.
const (
	ShapeBoth      = ""                      // both of the fields below
	ShapeDetails   = "shipping_details"      // as in API version 2023-10-16
	ShapeCollected = "collected_information" // as in 2025-03-31 and later
)

// Switches make the stand-in misbehave as Stripe and the network may. The zero value is a
// well-behaved Stripe. They are kept in the state file.
type Switches struct {
	WebhookTypes             []string `json:"webhook_types"`               // types to act on; empty: all
	WebhookDrop              Times    `json:"webhook_drop"`                // events that are never sent
	WebhookDelayMS           int64    `json:"webhook_delay_ms"`            // pause before an event's first attempt
	WebhookDouble            Times    `json:"webhook_double"`              // attempts that are sent twice at once
	WebhookReorderMS         int64    `json:"webhook_reorder_ms"`          // events within it arrive in reverse
	WebhookWrongSignature    Times    `json:"webhook_wrong_signature"`     // attempts signed with another secret
	WebhookDateOffsetSeconds int64    `json:"webhook_date_offset_seconds"` // added to the signature's date
	WebhookTwoIDs            Times    `json:"webhook_two_ids"`             // changes that are reported by two events
	WebhookAPIVersion        string   `json:"webhook_api_version"`         // api_version of new events
	WebhookAccount           string   `json:"webhook_account"`             // account of new events, as with Connect
	ShippingShape            string   `json:"shipping_shape"`              // see ShapeBoth

	APILatencyMS int64      `json:"api_latency_ms"` // pause before each API answer
	APIFaults    []APIFault `json:"api_faults"`     // the first that matches a call acts on it

	RefundPending Times `json:"refund_pending"` // refunds that stay pending until POST /_/refunds/{id} ends them

	AsyncAfterMS int64  `json:"async_after_ms"` // a bank debit ends by itself after this time; 0 = never
	AsyncOutcome string `json:"async_outcome"`  // succeed (default) or fail

	RedirectWaitMS int64 `json:"redirect_wait_ms"` // bounds the page's wait for the webhook's answer; 0 = 10 s
}

// APIFault makes API calls fail.
type APIFault struct {
	Kind   string `json:"kind"`    // "429", "500" or "timeout"
	After  bool   `json:"after"`   // fail after the call's effect; otherwise before it
	Times  Times  `json:"times"`   // 0 counts as 1
	Method string `json:"method"`  // GET or POST; empty = both
	Path   string `json:"path"`    // beginning of the paths it acts on; empty = all
	HangMS int64  `json:"hang_ms"` // for a timeout: when the connection is cut; 0 = 60 s
}

// check refuses invalid values.
func (sw *Switches) check() error {
	for i := range sw.APIFaults {
		f := &sw.APIFaults[i]
		if !slices.Contains([]string{"429", "500", "timeout"}, f.Kind) {
			return fmt.Errorf("api_faults: kind %q is not 429, 500 or timeout", f.Kind)
		}
		if f.Times == 0 {
			f.Times = 1
		}
		if f.HangMS < 0 {
			return fmt.Errorf("api_faults: hang_ms is negative")
		}
	}
	switch {
	case !slices.Contains([]string{ShapeBoth, ShapeDetails, ShapeCollected}, sw.ShippingShape):
		return fmt.Errorf("shipping_shape: %q is not %q, %q or empty", sw.ShippingShape, ShapeDetails, ShapeCollected)
	case !slices.Contains([]string{"", "succeed", "fail"}, sw.AsyncOutcome):
		return fmt.Errorf("async_outcome: %q is not succeed or fail", sw.AsyncOutcome)
	case min(sw.WebhookDelayMS, sw.WebhookReorderMS, sw.APILatencyMS, sw.AsyncAfterMS, sw.RedirectWaitMS) < 0:
		return fmt.Errorf("times must not be negative")
	}
	return nil
}

// clone copies the switches, so that readers never see a list change.
func (sw Switches) clone() Switches {
	sw.APIFaults = slices.Clone(sw.APIFaults)
	sw.WebhookTypes = slices.Clone(sw.WebhookTypes)
	return sw
}

// concerns reports whether the webhook switches act on events of this type.
func (sw *Switches) concerns(eventType string) bool {
	return len(sw.WebhookTypes) == 0 || slices.Contains(sw.WebhookTypes, eventType)
}

// takeFault finds the fault for an API call and uses it once.
func (sw *Switches) takeFault(method, path string) (APIFault, bool) {
	for i := range sw.APIFaults {
		f := &sw.APIFaults[i]
		if (f.Method == "" || f.Method == method) && strings.HasPrefix(path, f.Path) && f.Times.take() {
			used := *f
			sw.APIFaults = slices.DeleteFunc(sw.APIFaults, func(f APIFault) bool { return f.Times == 0 })
			return used, true
		}
	}
	return APIFault{}, false
}

// Switches returns the current switches, with what is left of their counts.
func (s *Server) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.settings.Switches.clone()
}

// SetSwitches changes the switches: set gets the current ones and may change any.
func (s *Server) SetSwitches(set func(*Switches)) error {
	return s.change("", "", func(t *tx) error {
		next := t.settings.Switches.clone()
		set(&next)
		if err := next.check(); err != nil {
			return err
		}
		t.settings.Switches = next
		t.putSettings()
		return nil
	})
}

// AdvanceClock moves the stand-in's clock, which determines expiry, bank debits and webhook
// repeats. Signatures use the machine's clock. A negative step moves it back.
func (s *Server) AdvanceClock(step time.Duration) error {
	err := s.change("", "", func(t *tx) error {
		t.settings.Offset += step
		t.putSettings()
		return nil
	})
	if err != nil {
		return err
	}
	s.webhooks.clockMoved(step)
	wait.Wake(s.clockMoved)
	return nil
}

// clock is the stand-in's time. Server.mu is held.
func (s *Server) clock() time.Time {
	return time.Now().Add(s.state.settings.Offset)
}
