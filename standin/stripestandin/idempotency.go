package stripestandin

import (
	"encoding/json"
	"net/http"
)

// savedAnswer is the answer to a call with an idempotency key, for its repeats. It is stored in the
// same change as the call's effect.
type savedAnswer struct {
	Fingerprint string          `json:"fingerprint"`
	Status      int             `json:"status"`
	Body        json.RawMessage `json:"body"`
	Created     int64           `json:"created"`
}

// claim looks up the call's key: it returns the saved answer or a refusal, otherwise the call holds
// the key until it ends. As at Stripe, refused calls leave no answer.
func (c *call) claim() (*answer, error) {
	if c.key == "" {
		return nil, nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.inFlight[c.key] {
		return nil, &apiError{
			Status: http.StatusConflict,
			Type:   "idempotency_error",
			Code:   "idempotency_key_in_use",
			Message: "There is currently another in-progress request using this Stripe-Idempotency-Key (that " +
				"probably means you submitted twice, and the other request is still going through): " + c.key +
				". Try again in a bit.",
		}
	}

	old, ok := c.s.state.answers.get(c.key)
	if !ok || old.Created < c.s.clock().Add(-answerTTL).Unix() {
		c.s.inFlight[c.key] = true
		return nil, nil
	}
	if old.Fingerprint != c.fingerprint {
		return nil, &apiError{
			Status: http.StatusBadRequest,
			Type:   "idempotency_error",
			Message: "Keys for idempotent requests can only be used with the same parameters they were first used " +
				"with. Try using a key other than '" + c.key + "' if you meant to execute a different request.",
		}
	}

	return &answer{old.Status, old.Body}, nil
}

// save stores the answer under the call's key.
func (t *tx) save(c *call, a answer) {
	if c.key == "" {
		return
	}
	put(t, kindAnswer, &t.answers, c.key, &savedAnswer{
		Fingerprint: c.fingerprint,
		Status:      a.status,
		Body:        a.body,
		Created:     t.now.Unix(),
	})
}
