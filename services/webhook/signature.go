package webhook

import (
	"errors"
	"strconv"
	"strings"
	"time"

	stripe "github.com/stripe/stripe-go/v76/webhook"
)

// tolerance is how far the time of a signature may be from now, in both directions: an older one
// may be a replay, one from the future could be replayed until its time has passed.
const tolerance = 300 * time.Second

// errAhead refuses a signature from the future, which Stripe's library accepts.
var errAhead = errors.New("the signature is from the future")

// verify returns nil if Stripe signed the body under one of the secrets, within the tolerance.
// There are two secrets while one is being rolled.
func verify(secrets []string, header string, body []byte) error {
	err := stripe.ErrNoValidSignature
	for _, secret := range secrets {
		if err = stripe.ValidatePayloadWithTolerance(body, header, secret, tolerance); err == nil {
			return notAhead(header)
		}
	}
	return err
}

// notAhead refuses times beyond the tolerance in a header that the library has accepted.
func notAhead(header string) error {
	limit := time.Now().Add(tolerance).Unix()
	for pair := range strings.SplitSeq(header, ",") {
		value, ok := strings.CutPrefix(pair, "t=")
		if !ok {
			continue
		}
		if seconds, err := strconv.ParseInt(value, 10, 64); err != nil || seconds > limit {
			return errAhead
		}
	}
	return nil
}
