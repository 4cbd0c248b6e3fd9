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
	// bounceTimeout bounds one reading of the mailbox.
	bounceTimeout = 5 * time.Minute
	// bounceBatchSize is how many mails are fetched at once and noted in one transaction.
	bounceBatchSize = 50
)

// watchBounces reads the mailbox for reports of mails that bounced later, until ctx ends. If the
// mailbox cannot be read, it tries again.
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

// readBounces notes the reports that arrived since the last reading. It leaves the mailbox
// unchanged: the position is stored in the transaction that notes the reports, so each report takes
// effect once, whatever crashes and what else reads the mailbox.
func (s *server) readBounces(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bounceTimeout)
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

	for part := range slices.Chunk(fresh, bounceBatchSize) {
		reports, err := box.fetch(part)
		if err != nil {
			return err
		}
		fault.Point("mailer", "bounces read")
		mine, err := s.noteReports(ctx, box, last, part[len(part)-1], reports)
		if err != nil || !mine {
			return err // another process reads it
		}
		last = part[len(part)-1]
	}

	return nil
}

// noteReports notes reports and advances the position in the mailbox; mine is false if another
// process has advanced it already.
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

// envelopeFrom is the address to which mail systems report.
func (s *server) envelopeFrom(c content) string {
	if s.bounces != nil {
		return s.bounces.Address
	}
	return c.from.Address
}

// permanent reports whether the report means that the mailbox does not exist, rather than that it
// is full, or that a server was unavailable or refused the content (RFC 3463). That is 5.1.x except
// the codes about the sender, 5.2.1, and a plain 5.0.x with a reply that a server would give to
// RCPT.
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
