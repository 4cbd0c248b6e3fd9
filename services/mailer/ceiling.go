package mailer

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The ceiling: no one can have the shop mail an address more than so often, whatever they ask for and
// however many accounts they make with it. It counts commands when they become rows of the ledger, in
// that transaction, so every mail counts once, whichever mailer takes it and how often it is tried.

// saleKinds are about a sale: each follows from a payment, which is nothing to bomb with, and the law
// wants them sent.
var saleKinds = map[string]bool{msg.MailOrderMember: true, msg.MailOrderVisitor: true, msg.MailOrderShipped: true,
	msg.MailOrderRefunded: true, msg.MailOrderCanceled: true, msg.MailOrderNote: true}

// noticeKinds tell an owner that the account was changed. To an address that the member has proved
// they have a room of their own: else filling the ceiling would be a way to hide them.
var noticeKinds = map[string]bool{msg.MailPasswordSet: true, msg.MailPasswordChanged: true,
	msg.MailAddressChanged: true, msg.MailAccountsMerged: true}

// debitKinds are about payments that are no order yet, or never will be. Bank details cost little to
// invent, so they count; but in a room of their own, where no other mails keep a buyer from hearing.
var debitKinds = map[string]bool{msg.MailPaymentPending: true, msg.MailPaymentRefused: true}

const (
	// mailboxFactor widens the room of all addresses that differ in what mail systems ignore.
	mailboxFactor = 4
	// staffFactor widens the room of the staff's own mails: most of them are the shop's own doing.
	staffFactor = 12
)

// room is what a mail to one address counts in.
type room struct {
	hash      string
	hour, day int
}

// rooms are where a mail to one of its receivers counts; none when it counts nowhere.
func (s *server) rooms(m msg.SendMail, to string) []room {
	hour, day := s.cfg.MailsAnHour, s.cfg.MailsADay
	lower := email.Key(to)
	switch {
	case saleKinds[m.Kind] || m.Kind == msg.MailChatAnswer || hour == 0 && day == 0:
		return nil // a person of the staff wrote the answer, to one who had asked
	case len(m.To) == 0, m.Kind == kindDraft:
		return []room{{web.MAC(s.hashKey, "staff"), hour * staffFactor, day * staffFactor}}
	case debitKinds[m.Kind]:
		return []room{{web.MAC(s.hashKey, "debit", email.Person(to)), hour, day}}
	case noticeKinds[m.Kind] && m.MemberID != 0 &&
		slices.ContainsFunc(m.Proved, func(p string) bool { return strings.EqualFold(p, to) }):
		return []room{{web.MAC(s.hashKey, "member", lower, fmt.Sprint(m.MemberID)), hour, day}}
	}
	return []room{
		{web.MAC(s.hashKey, "address", lower), hour, day},
		{web.MAC(s.hashKey, "mailbox", email.Person(to)), hour * mailboxFactor, day * mailboxFactor},
	}
}

// receiver is one address of a mail with the rooms that it counts in.
type receiver struct {
	hash  string
	rooms []room
}

// holdBack leaves out receivers whose rooms are full, and marks mails without any left as suppressed. What goes through
// is counted.
func (s *server) holdBack(ctx context.Context, tx pgx.Tx, fresh []newDelivery) error {
	var hashes []string
	oldest := time.Now()
	for _, n := range fresh {
		for _, r := range n.receivers {
			for _, place := range r.rooms {
				hashes = append(hashes, place.hash)
				oldest = earlier(oldest, n.createdAt)
			}
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	counts, err := lockRooms(ctx, tx, hashes, oldest.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	var counted []roomEntry
	for i := range fresh {
		counted = append(counted, fresh[i].count(counts)...)
		if fresh[i].state == stateSuppressed {
			s.log.Warn("mail held back", "kind", fresh[i].kind, "key", fresh[i].key)
		}
	}
	return insertRooms(ctx, tx, counted)
}

// count puts one mail into its rooms, and leaves out receivers who have no room.
func (n *newDelivery) count(counts map[string][]time.Time) (counted []roomEntry) {
	at := earlier(time.Now(), n.createdAt) // a command may have waited; it counts when it was given
	for _, r := range n.receivers {
		if slices.ContainsFunc(r.rooms, func(place room) bool { return place.full(counts[place.hash], at) }) {
			n.leftOut = append(n.leftOut, r.hash)
			continue
		}
		for _, place := range r.rooms {
			counts[place.hash] = append(counts[place.hash], at)
			counted = append(counted, roomEntry{place.hash, at})
		}
	}
	if len(n.leftOut) > 0 && len(n.leftOut) == len(n.receivers) {
		n.state = stateSuppressed
	}
	return counted
}

// full reports whether a room takes no further mail at a moment; a limit of 0 is none.
func (p room) full(counted []time.Time, at time.Time) bool {
	hour, day := 0, 0
	for _, c := range counted {
		if c.After(at.Add(-time.Hour)) {
			hour++
		}
		if c.After(at.Add(-24 * time.Hour)) {
			day++
		}
	}
	return p.hour > 0 && hour >= p.hour || p.day > 0 && day >= p.day
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stripe is the lock that rooms with this hash share with some others: a newsletter has more receivers
// than a transaction may hold locks.
func stripe(hash string) int32 {
	h := fnv.New32a()
	h.Write([]byte(hash)) //nolint:errcheck // it never fails
	return int32(h.Sum32() % stripes)
}
