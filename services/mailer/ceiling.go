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

// The ceiling bounds how many mails anyone can have the shop send to one address, whatever they ask
// for and however many accounts they create. It counts commands in the transaction that inserts
// them into the ledger, so every mail counts once, whichever mailer takes it and however often it
// is tried.

// saleKinds are about a sale. Each follows from a payment, so they are no use for bombing an
// address, and the law requires them.
var saleKinds = map[string]bool{msg.MailOrderMember: true, msg.MailOrderVisitor: true, msg.MailOrderShipped: true,
	msg.MailOrderRefunded: true, msg.MailOrderCanceled: true, msg.MailOrderNote: true}

// noticeKinds tell an owner that the account was changed. If the member has proved the address they
// count in a quota of their own. Otherwise anyone could hide them by filling the quota.
var noticeKinds = map[string]bool{msg.MailPasswordSet: true, msg.MailPasswordChanged: true,
	msg.MailAddressChanged: true, msg.MailAccountsMerged: true}

// debitKinds are about payments that are not an order yet, or never will be. Bank details cost
// little to invent, so these mails count, but in a quota of their own: other mails must not keep a
// buyer from hearing of a payment.
var debitKinds = map[string]bool{msg.MailPaymentPending: true, msg.MailPaymentRefused: true}

const (
	// mailboxFactor widens the quota shared by all addresses that differ only in what mail systems
	// ignore.
	mailboxFactor = 4
	// staffFactor widens the quota of mails to the staff: most of them are the shop's own doing.
	staffFactor = 12
)

// quota is a counter of the mails to one address; 0 is no limit.
type quota struct {
	hash      string
	hour, day int
}

// quotas returns the quotas in which a mail to one of its receivers counts; nil if it counts in
// none.
func (s *server) quotas(m msg.SendMail, to string) []quota {
	hour, day := s.cfg.MailsAnHour, s.cfg.MailsADay
	lower := email.Key(to)
	switch {
	case saleKinds[m.Kind] || m.Kind == msg.MailChatAnswer || hour == 0 && day == 0:
		return nil // a chat answer is written by staff, to a person who had asked
	case len(m.To) == 0, m.Kind == kindDraft:
		return []quota{{web.MAC(s.hashKey, "staff"), hour * staffFactor, day * staffFactor}}
	case debitKinds[m.Kind]:
		return []quota{{web.MAC(s.hashKey, "debit", email.Person(to)), hour, day}}
	case noticeKinds[m.Kind] && m.MemberID != 0 &&
		slices.ContainsFunc(m.Proved, func(p string) bool { return strings.EqualFold(p, to) }):
		return []quota{{web.MAC(s.hashKey, "member", lower, fmt.Sprint(m.MemberID)), hour, day}}
	}
	return []quota{
		{web.MAC(s.hashKey, "address", lower), hour, day},
		{web.MAC(s.hashKey, "mailbox", email.Person(to)), hour * mailboxFactor, day * mailboxFactor},
	}
}

// receiver is one address of a mail with its quotas.
type receiver struct {
	hash   string
	quotas []quota
}

// suppress leaves out receivers whose quotas are full, and marks mails with no receiver left as
// suppressed. It counts the others.
func (s *server) suppress(ctx context.Context, tx pgx.Tx, fresh []newDelivery) error {
	var hashes []string
	oldest := time.Now()
	for _, n := range fresh {
		for _, r := range n.receivers {
			for _, q := range r.quotas {
				hashes = append(hashes, q.hash)
				oldest = earlier(oldest, n.createdAt)
			}
		}
	}
	if len(hashes) == 0 {
		return nil
	}

	counts, err := lockQuotas(ctx, tx, hashes, oldest.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	var counted []quotaEntry
	for i := range fresh {
		counted = append(counted, fresh[i].count(counts)...)
		if fresh[i].state == stateSuppressed {
			s.log.Warn("mail held back", "kind", fresh[i].kind, "key", fresh[i].key)
		}
	}

	return insertQuotaEntries(ctx, tx, counted)
}

// count counts one mail in its quotas, and leaves out receivers with a full one.
func (n *newDelivery) count(counts map[string][]time.Time) (counted []quotaEntry) {
	at := earlier(time.Now(), n.createdAt) // a command that waited counts at the time when it was given
	for _, r := range n.receivers {
		if slices.ContainsFunc(r.quotas, func(q quota) bool { return q.full(counts[q.hash], at) }) {
			n.leftOut = append(n.leftOut, r.hash)
			continue
		}
		for _, q := range r.quotas {
			counts[q.hash] = append(counts[q.hash], at)
			counted = append(counted, quotaEntry{q.hash, at})
		}
	}
	if len(n.leftOut) > 0 && len(n.leftOut) == len(n.receivers) {
		n.state = stateSuppressed
	}
	return counted
}

// full reports whether a quota is used up at a given time.
func (q quota) full(counted []time.Time, at time.Time) bool {
	hour, day := 0, 0
	for _, c := range counted {
		if c.After(at.Add(-time.Hour)) {
			hour++
		}
		if c.After(at.Add(-24 * time.Hour)) {
			day++
		}
	}
	return q.hour > 0 && hour >= q.hour || q.day > 0 && day >= q.day
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stripe is the lock of a quota. Quotas share locks, since a newsletter has more receivers than a
// transaction may hold locks.
func stripe(hash string) int32 {
	h := fnv.New32a()
	h.Write([]byte(hash)) //nolint:errcheck // it never fails
	return int32(h.Sum32() % stripes)
}
