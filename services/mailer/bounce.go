package mailer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	// bounceRound is how long one look into the mailbox may take.
	bounceRound = 5 * time.Minute
	// bouncesAtOnce is how many mails are fetched, and noted in one transaction.
	bouncesAtOnce = 50
)

// watchBounces looks into the mailbox for reports of mails that bounced later, until ctx ends. A mailbox that cannot be
// read is tried again.
func (s *server) watchBounces(ctx context.Context) error {
	if s.cfg.IMAPHost == "" {
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		if err := s.readBounces(ctx); err != nil && ctx.Err() == nil {
			bounceMailboxErrors.Inc()
			s.log.Warn("the mailbox for bounces cannot be read, will try again", "error", err)
		}
		wait.Sleep(ctx, s.timing.bounceEvery)
	}
	return nil
}

// readBounces notes what the mailbox has got since the last look. The mailbox stays as it is: how far it is read is
// noted in the transaction of what was read, so each report has its effect once, whatever crashes, and whichever
// programs read the mailbox besides.
func (s *server) readBounces(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bounceRound)
	defer cancel()
	box, err := openMailbox(ctx, s.cfg)
	if err != nil {
		return err
	}
	defer box.close()
	last, err := mailboxPosition(ctx, s.pool, box.name, box.validity)
	if err != nil {
		return err
	}
	fresh, err := box.since(last)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(fresh, bouncesAtOnce) {
		reports, err := box.fetch(part)
		if err != nil {
			return err
		}
		fault.Point("mailer", "bounces read")
		mine, err := s.noteReports(ctx, box, last, part[len(part)-1], reports)
		if err != nil || !mine {
			return err // another process is at it
		}
		last = part[len(part)-1]
	}
	return nil
}

// noteReports notes reports and that the mailbox is read from one mail to another; mine is false when another process
// has gone on from there.
func (s *server) noteReports(ctx context.Context, box *mailbox, from, to imap.UID, reports []report) (mine bool,
	err error) {
	noted := 0
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		noted = 0
		if mine, err = moveMailbox(ctx, tx, box.name, box.validity, from, to); err != nil || !mine {
			return err
		}
		for _, r := range reports {
			for _, failed := range r.failed {
				done, err := noteReport(ctx, tx, r.messageID, s.hashes(failed.addresses), failed.status)
				if err != nil {
					return err
				}
				if done {
					noted++
				}
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("note bounces: %w", err)
	}
	if noted > 0 {
		mailsBounced.Add(float64(noted))
		s.log.Info("mails bounced after they were sent", "mails", noted)
	}
	return mine, nil
}

// envelopeFrom is the address that mail systems report to.
func (s *server) envelopeFrom(c content) string {
	if s.bounces != nil {
		return s.bounces.Address
	}
	return c.from.Address
}

// permanent reports whether a report means that there is no such mailbox, and not that it is full, that a server was
// away or did not like the mail (RFC 3463): 5.1 but what is about the sender, 5.2.1, or no more than "failed" with a
// reply that a server would give at RCPT.
func (f failure) permanent() bool {
	subject, detail, ok := strings.Cut(strings.TrimPrefix(f.status, "5."), ".")
	switch {
	case !ok || !strings.HasPrefix(f.status, "5."):
		return false
	case subject == "1":
		return detail != "7" && detail != "8"
	case subject == "2":
		return detail == "1"
	case subject == "0":
		return f.reply.noSuchAddress()
	}
	return false
}
