package order

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// automaticTTL is how long after its time a mail is still worth sending: mails that were due
	// before a switch was turned on, or while the shop was down for longer, are left out.
	automaticTTL = 24 * time.Hour
	// reminderPause is how long an address is left alone after a reminder.
	reminderPause = 30 * 24 * time.Hour
	// automaticNoteTTL is longer than any query looks back into automatic_mail.
	automaticNoteTTL = 100 * 24 * time.Hour
	// wishTTL is how long a customer waits for a SKU at most.
	wishTTL = 180 * 24 * time.Hour
	// notifiedWishTTL is longer than mailer tries to send the mail of a wish.
	notifiedWishTTL = automaticTTL + time.Hour
	// automaticBatchSize is how many mails are enqueued in one transaction.
	automaticBatchSize = 200
)

// automatic are the switches with their current values.
type automatic struct {
	reminder, restock, review bool
	reminderAfter             time.Duration
	reviewAfter               time.Duration
}

func readAutomatic(values map[string]*string) automatic {
	after := func(key string, otherwise int, each time.Duration) time.Duration {
		n, err := strconv.Atoi(pg.Text(values[key]))
		if err != nil || n < 1 {
			n = otherwise
		}
		return time.Duration(n) * each
	}
	on := func(key string) bool { return pg.Text(values[key]) == settingOn }
	return automatic{
		reminder:      on(settingReminder),
		restock:       on(settingBackInStock),
		review:        on(settingReview),
		reminderAfter: after(settingReminderHours, reminderHours, time.Hour),
		reviewAfter:   after(settingReviewDays, reviewDays, 24*time.Hour),
	}
}

// sendAutomatic enqueues the automatic mails whose time has come. The note that a mail was enqueued
// is written in the same transaction, so a crash leaves both or neither.
func (s *server) sendAutomatic(ctx context.Context, _ *pgxpool.Pool) (sent int64, err error) {
	values, err := settings(ctx, s.pool, automaticGroup.keys...)
	if err != nil {
		return 0, err
	}
	on := readAutomatic(values)
	for _, one := range []struct {
		on   bool
		take func(ctx context.Context, tx pgx.Tx, on automatic) ([]msg.Message, error)
	}{{on.restock, s.takeRestocked}, {on.reminder, takeReminders}, {on.review, takeReviews}} {
		for more := one.on; more; {
			n := 0
			err := s.outbox.Tx(ctx, func(tx pgx.Tx) error {
				if err := lockAutomatic(ctx, tx); err != nil {
					return err
				}
				messages, err := one.take(ctx, tx, on)
				if n = len(messages); err != nil || n == 0 {
					return err
				}
				fault.Point("order", "automatic-taken")
				return enqueue(ctx, tx, messages)
			})
			if err != nil {
				return sent, err
			}
			sent, more = sent+int64(n), n == automaticBatchSize
		}
	}

	return sent, nil
}

// automaticMail is a mail that is sent without anybody asking for it.
type automaticMail struct {
	About    string
	Email    string
	MemberID int64
	Asked    bool // the shopper asked for news in the checkout that the mail is about
	Name     string
	Lines    []msg.OrderLine
	Total    int64
}

func (m automaticMail) message(kind string) msg.Message {
	now := time.Now().UTC()
	send := msg.SendMail{
		Kind:      kind,
		To:        []string{m.Email},
		MemberID:  m.MemberID,
		CreatedAt: now,
		Deadline:  now.Add(automaticTTL),
		Payment: &msg.PaymentMail{
			Total: m.Total,
			Lines: m.Lines,
		},
		Data: map[string]string{
			"first_name": m.Name,
			"identifier": m.About,
		},
	}
	if m.Asked {
		send.Data["asked"] = "true"
	}
	return msg.Message{Key: kind + ":" + m.About, Subject: msg.MailSubject(kind), Payload: send}
}

// takeReminders notes and returns reminders of checkouts that were left.
func takeReminders(ctx context.Context, tx pgx.Tx, on automatic) ([]msg.Message, error) {
	list, err := dueReminders(ctx, tx, on.reminderAfter)
	if err != nil {
		return nil, err
	}
	messages := make([]msg.Message, len(list))
	for i, due := range list {
		c := checkout{Quote: due.Quote}
		messages[i] = automaticMail{
			About:    due.ID,
			Email:    due.Email,
			MemberID: due.MemberID,
			Asked:    due.Newsletter,
			Lines:    quotedLines(&c),
			Total:    due.Total,
		}.message(msg.MailCheckoutReminder)
	}
	return messages, nil
}

// takeReviews notes and returns requests for reviews of orders that were sent.
func takeReviews(ctx context.Context, tx pgx.Tx, on automatic) ([]msg.Message, error) {
	list, err := dueReviews(ctx, tx, on.reviewAfter)
	if err != nil {
		return nil, err
	}
	messages := make([]msg.Message, len(list))
	for i, due := range list {
		messages[i] = automaticMail{
			About:    due.Identifier,
			Email:    due.Email,
			MemberID: due.MemberID,
			Name:     due.Name,
			Lines:    due.Lines,
			Total:    due.Total,
		}.message(msg.MailReviewRequest)
	}
	return messages, nil
}

// mailWanted tells mailer, at the moment of sending, whether an automatic mail still makes sense:
// the customer has bought nothing since and has not declined notices, the order is still valid, the
// SKU is still in stock, and the switch is still on.
func (s *server) mailWanted(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	key, err := form.Required("key")
	if err != nil {
		return err
	}
	values, err := settings(r.Context(), s.pool, automaticGroup.keys...)
	if err != nil {
		return err
	}

	kind, about, _ := strings.Cut(key, ":")
	wanted, on := false, readAutomatic(values)
	switch {
	case kind == msg.MailCheckoutReminder && on.reminder:
		wanted, err = reminderWanted(r.Context(), s.pool, about)
	case kind == msg.MailReviewRequest && on.review:
		wanted, err = reviewWanted(r.Context(), s.pool, about)
	case kind == msg.MailBackInStock && on.restock:
		if hash, ok := s.refuser(form.Get("notice")); ok {
			wish, _ := web.Number(about, maxSKU) // 0 for none
			wanted, err = restockWanted(r.Context(), s.pool, wish, hash)
		}
	}
	if err != nil {
		return err
	}

	return answer(w, struct {
		Wanted bool `json:"wanted"`
	}{wanted})
}
