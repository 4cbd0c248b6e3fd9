package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// defaultTTL is how long a mail is worth sending if its command does not say.
const defaultTTL = 72 * time.Hour

// maxReceivers bounds the receivers of one mail; the shop's own mails have at most two.
const maxReceivers = 10

// canRender reports whether this version knows how to write a kind of mail.
func canRender(kind string) bool {
	k, known := kindOf(kind)
	return known && k.sample != nil
}

// onMail inserts commands into the ledger. After the commit the broker and the sender's outbox are
// done with them. It leaves a group with mails that count under the ceiling to onCountedMail.
func (s *server) onMail(group []*bus.Delivery) (*bus.Effect, error) {
	fresh, err := s.acceptAll(group)
	if err != nil {
		return nil, err
	}
	for _, n := range fresh {
		if n.counts() {
			return nil, nil
		}
	}
	return deliveriesEffect(fresh), nil
}

// onCountedMail applies the ceiling before it inserts commands into the ledger.
func (s *server) onCountedMail(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	fresh, err := s.acceptAll(group)
	if err != nil {
		return err
	}
	if err := s.suppress(ctx, tx, fresh); err != nil {
		return err
	}
	return insertDeliveries(ctx, tx, fresh)
}

func (s *server) acceptAll(group []*bus.Delivery) ([]newDelivery, error) {
	fresh := make([]newDelivery, 0, len(group))
	for _, d := range group {
		n, err := s.accept(d.Key, d.Data)
		if err != nil {
			return nil, bus.Permanent(err)
		}
		fresh = append(fresh, n)
	}
	return fresh, nil
}

// newDelivery is a command on its way into the ledger.
type newDelivery struct {
	key, kind, messageID, prospectCode string
	order                              string // identifier of the mail's order
	payload                            []byte
	addresses                          []string
	memberID                           int64
	newsletter                         int64     // 0: none
	due                                time.Time // zero: at once
	createdAt, deadline                time.Time

	receivers []receiver
	leftOut   []string // hashes of receivers whose quotas are full
	state     string
}

// counts reports whether a mail counts under the ceiling.
func (n newDelivery) counts() bool {
	return slices.ContainsFunc(n.receivers, func(r receiver) bool { return len(r.quotas) > 0 })
}

// The states of a delivery.
const (
	stateQueued     = "queued"
	stateParked     = "parked"
	stateSuppressed = "suppressed"
	stateSent       = "sent"
)

// accept rejects commands that no retry can mend, so that they are parked at once with the reason.
func (s *server) accept(key string, data []byte) (newDelivery, error) {
	var m msg.SendMail
	if err := json.Unmarshal(data, &m); err != nil {
		return newDelivery{}, errors.New("the command is not readable") // the decoder's text may repeat it
	}
	if !canRender(m.Kind) {
		return newDelivery{}, errors.New("the kind of mail is unknown")
	}
	return s.ledgerRow(key, m, data)
}

// ledgerRow turns a command into a new row of the ledger.
func (s *server) ledgerRow(key string, m msg.SendMail, data []byte) (newDelivery, error) {
	switch {
	case orderTemplates[m.Kind] != "" && m.Order == nil:
		return newDelivery{}, errors.New("the command holds no order")
	case m.Kind == msg.MailOrderShipped && m.Shipment == nil:
		return newDelivery{}, errors.New("the command holds no parcel")
	case m.Kind == msg.MailOrderNote && m.Note == "":
		return newDelivery{}, errors.New("the command holds no note")
	case m.Kind == msg.MailOrderRefunded && (m.Refund == nil || m.Refund.Amount <= 0):
		return newDelivery{}, errors.New("the command holds no refund")
	}

	to, err := s.receivers(m)
	if err != nil {
		return newDelivery{}, err
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = time.Now()
	}
	if m.Deadline.IsZero() {
		m.Deadline = m.CreatedAt.Add(defaultTTL)
	}

	receivers := make([]receiver, len(to))
	for i, a := range to {
		receivers[i] = receiver{s.hash(a), s.quotas(m, a)}
	}
	order := ""
	if m.Order != nil {
		order = m.Order.Identifier
	}

	return newDelivery{
		key:          key,
		kind:         m.Kind,
		messageID:    s.messageID(m.Kind, key),
		prospectCode: m.ProspectCode,
		order:        order,
		payload:      data,
		receivers:    receivers,
		state:        stateQueued,
		addresses:    m.To,
		memberID:     m.MemberID,
		createdAt:    m.CreatedAt.UTC(),
		deadline:     m.Deadline.UTC(),
	}, nil
}

// receivers checks the addresses of a mail; a mail without one goes to the staff.
func (s *server) receivers(m msg.SendMail) ([]string, error) {
	if len(m.To) > maxReceivers {
		return nil, fmt.Errorf("%d receivers are too many for one mail", len(m.To))
	}
	if len(m.To) == 0 {
		return []string{s.staffAddress.Address}, nil
	}
	all := make([]string, 0, len(m.To))
	seen := map[string]bool{}
	for i, to := range m.To {
		a, err := parseAddress(to)
		if err != nil {
			return nil, fmt.Errorf("receiver %d cannot be mailed: %w", i+1, err)
		}
		if folded := strings.ToLower(a.Address); !seen[folded] {
			seen[folded] = true
			all = append(all, a.Address)
		}
	}
	return all, nil
}

// hash stands for an address in the ledger. It finds the address again, and without the key it
// tells nothing.
func (s *server) hash(address string) string { return web.MAC(s.hashKey, strings.ToLower(address)) }

// messageID is the same for every attempt, so that servers and readers recognize a copy. No one
// else can make it, so a report under it is about a mail of ours.
func (s *server) messageID(kind, key string) string {
	_, domain, _ := strings.Cut(s.from.Address, "@")
	return kind + "." + web.MAC(s.hashKey, "message", key) + "@" + domain
}

// marshalCommand encodes a command that mailer itself gives.
func marshalCommand(m msg.SendMail) []byte {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts, numbers and times always marshal
	}
	return data
}
