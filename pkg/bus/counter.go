package bus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// counterTimeout bounds what a count may cost the request that is counted. A broker that is away is
// noticed at once; one that is merely busy must not make edges fall back to limits that are
// stricter.
const counterTimeout = 2 * time.Second

// headerIncrement adds to a counter (NATS ADR-49). The client library has no name for it.
const headerIncrement = "Nats-Incr"

// Count adds one to the counter of (what, key) in the current window, which all processes share,
// and returns its value. It fails soon when the broker is away. Keys are hashed: the broker learns
// no address and no name.
func (b *Bus) Count(ctx context.Context, what, key string, window time.Duration) (int64, error) {
	if !b.Connected() {
		return 0, errors.New("count: not connected to the broker")
	}
	ctx, cancel := context.WithTimeout(ctx, counterTimeout)
	defer cancel()
	m := nats.NewMsg(counterSubject(what, key, window, time.Now()))
	m.Header.Set(headerIncrement, "1")
	answer, err := b.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", what, err)
	}

	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Value string              `json:"val"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, fmt.Errorf("read the count of %s: %w", what, err)
	}
	if ack.Error != nil {
		return 0, fmt.Errorf("count %s: %w", what, ack.Error)
	}

	n, err := strconv.ParseInt(ack.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the count of %s: %w", what, err)
	}
	return n, nil
}

// Uncount takes back one count made at time at. No one waits for it, and one that is lost makes a
// limit a little stricter until its window ends.
func (b *Bus) Uncount(what, key string, window time.Duration, counted time.Time) error {
	m := nats.NewMsg(counterSubject(what, key, window, counted))
	m.Header.Set(headerIncrement, "-1")
	if err := b.nc.PublishMsg(m); err != nil {
		return fmt.Errorf("take back a count of %s: %w", what, err)
	}
	return nil
}

// counterSubject is rl.<what>.<hash of key>.<number of the window>.
func counterSubject(what, key string, window time.Duration, at time.Time) string {
	sum := sha256.Sum256([]byte(key))
	return "rl." + what + "." + hex.EncodeToString(sum[:16]) + "." + strconv.FormatInt(at.UnixNano()/int64(window), 10)
}
