package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// ForgetPeople deletes messages that mention one of these addresses from a service's outbox and
// parked rows. Receivers of msg.Erased call it in their transaction.
func ForgetPeople(ctx context.Context, tx pgx.Tx, emails []string) error {
	if len(emails) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, table := range []string{"outbox", "parked"} {
		batch.Queue(`DELETE FROM `+table+` WHERE EXISTS (
			SELECT FROM unnest($1::text[]) AS a WHERE a <> '' AND position(lower(a) IN lower(encode(payload, 'escape'))) > 0)
			AND subject <> $2`, emails, msg.UserErased)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("forget messages about a person: %w", err)
	}
	return nil
}

// erasure is the durable consumer that erases people from the streams.
const erasure = "provision-erasure"

// KeepErasing deletes from every stream what mentions an erased person, as soon as every service
// has acted on the message that said so, and then that message; until ctx ends. It needs the rights
// of provisioning.
func (b *Bus) KeepErasing(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.keepErasing(ctx)
		if ctx.Err() != nil {
			return
		}
		if b.Connected() {
			b.log.Warn("erasing interrupted, will try again", "error", err)
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	}
}

func (b *Bus) keepErasing(ctx context.Context) error {
	create, cancel := context.WithTimeout(ctx, apiTimeout)
	cons, err := b.js.CreateOrUpdateConsumer(create, "USER", jetstream.ConsumerConfig{
		Durable: erasure, FilterSubject: msg.UserErased, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 5 * time.Minute, MaxDeliver: -1,
	})
	cancel()
	if err != nil {
		return fmt.Errorf("make consumer %s: %w", erasure, err)
	}
	for ctx.Err() == nil {
		m, err := cons.Next(jetstream.FetchMaxWait(5 * time.Second))
		if errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, context.DeadlineExceeded) || (err != nil && strings.Contains(err.Error(), "timeout")) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", erasure, err)
		}
		if err := b.eraseFor(ctx, m); err != nil {
			b.log.Warn("person not yet erased from the streams, will try again", "error", err)
			if err := m.NakWithDelay(2 * time.Second); err != nil {
				return fmt.Errorf("refuse: %w", err)
			}
		}
	}
	return nil
}

// eraseFor does one message of msg.UserErased.
func (b *Bus) eraseFor(ctx context.Context, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	var who msg.Erased
	if err := json.Unmarshal(m.Data(), &who); err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", msg.UserErased, err), m.Term())
	}
	for _, name := range msg.Receivers(msg.UserErased) {
		if err := b.hasPassed(ctx, name, meta.Sequence.Stream); err != nil {
			return err
		}
	}
	deleted := 0
	for _, s := range msg.Streams {
		if s.Counters || s.Name == "ADVISORY" {
			continue // they hold hashes and sequence numbers only
		}
		n, err := b.eraseFrom(ctx, s.Name, who)
		if err != nil {
			return err
		}
		deleted += n
	}
	b.log.Info("person erased from the streams", "messages", deleted)
	return m.Ack()
}

// hasPassed is nil when a consumer has acknowledged everything up to a message.
func (b *Bus) hasPassed(ctx context.Context, name string, sequence uint64) error {
	i := slices.IndexFunc(msg.Consumers, func(c msg.Consumer) bool { return c.Name == name })
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cons, err := b.js.Consumer(ctx, msg.Consumers[i].Stream, name)
	if err != nil {
		return fmt.Errorf("look at consumer %s: %w", name, err)
	}
	if info := cons.CachedInfo(); info.AckFloor.Stream < sequence && (info.NumPending > 0 || info.NumAckPending > 0) {
		return fmt.Errorf("%s has not acted on it", name)
	}
	return nil
}

// eraseFrom deletes the messages of one stream that mention a person, overwriting them on disk.
func (b *Bus) eraseFrom(ctx context.Context, name string, who msg.Erased) (deleted int, err error) {
	look, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := b.js.Stream(look, name)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", name, err)
	}
	state := stream.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		if ctx.Err() != nil {
			return deleted, ctx.Err()
		}
		get, cancel := context.WithTimeout(ctx, apiTimeout)
		raw, err := stream.GetMsg(get, seq, jetstream.WithGetMsgSubject(">"))
		cancel()
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return deleted, nil // none from here on
		}
		if err != nil {
			return deleted, fmt.Errorf("read message %d of %s: %w", seq, name, err)
		}
		seq = raw.Sequence // gaps are skipped
		if !mentions(raw.Subject, raw.Data, who) {
			continue
		}
		del, cancel := context.WithTimeout(ctx, apiTimeout)
		err = stream.SecureDeleteMsg(del, seq)
		cancel()
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return deleted, fmt.Errorf("delete message %d of %s: %w", seq, name, err)
		}
		deleted++
	}
	return deleted, nil
}

// mentions says whether a message is about a person: it holds one of their addresses, or their
// member id where ids stand.
func mentions(subject string, data []byte, who msg.Erased) bool {
	if strings.HasPrefix(subject, "dead.") {
		var letter struct{ Payload []byte }
		if json.Unmarshal(data, &letter) == nil {
			data = append(append([]byte{}, data...), letter.Payload...) // the copy is base64
		}
	}
	lower := bytes.ToLower(data)
	for _, e := range who.Emails {
		if e != "" && bytes.Contains(lower, []byte(strings.ToLower(e))) {
			return true
		}
	}
	if who.MemberID == 0 {
		return false
	}
	number := strconv.FormatInt(who.MemberID, 10)
	for _, field := range []string{"member_id", "user_id"} {
		for _, end := range []string{",", "}"} {
			if bytes.Contains(lower, []byte(`"`+field+`":`+number+end)) {
				return true
			}
		}
	}
	return strings.HasPrefix(subject, "user.") && !strings.HasPrefix(subject, msg.ProspectChanged) &&
		(bytes.Contains(lower, []byte(`{"id":`+number+`,`)))
}
