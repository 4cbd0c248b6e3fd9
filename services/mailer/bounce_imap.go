package mailer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// mailbox is a folder at an IMAP server (RFC 3501), opened read-only.
type mailbox struct {
	client   *imapclient.Client
	stop     func() bool
	name     string
	validity uint32
	next     imap.UID // UID of the next mail to arrive; 0: the server does not say
}

// openMailbox opens the folder for bounces and closes it when ctx ends.
func openMailbox(ctx context.Context, cfg Config) (*mailbox, error) {
	addr := net.JoinHostPort(cfg.IMAPHost, strconv.Itoa(cfg.IMAPPort))
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reach the mailbox: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) //nolint:errcheck,gosec // ends pending commands

	box := &mailbox{stop: stop, name: cfg.IMAPUsername + "@" + cfg.IMAPHost + "/" + cfg.IMAPFolder}
	secure := &tls.Config{ServerName: cfg.IMAPHost, MinVersion: tls.VersionTLS12}
	switch cfg.IMAPTLS {
	case "starttls":
		box.client, err = imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: secure})
	case "none":
		box.client = imapclient.New(conn, nil)
	default:
		box.client = imapclient.New(tls.Client(conn, secure), nil)
	}
	if err == nil {
		err = box.enter(cfg)
	}
	if err != nil {
		stop()
		conn.Close() //nolint:errcheck,gosec // it is useless now
		return nil, err
	}

	return box, nil
}

// enter logs in and opens the folder.
func (b *mailbox) enter(cfg Config) error {
	if err := b.client.WaitGreeting(); err != nil {
		return fmt.Errorf("greet the mailbox: %w", err)
	}
	if err := b.client.Login(cfg.IMAPUsername, cfg.IMAPPassword).Wait(); err != nil {
		return fmt.Errorf("log in to the mailbox: %w", err)
	}
	at, err := b.client.Select(cfg.IMAPFolder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return fmt.Errorf("open the folder %s: %w", cfg.IMAPFolder, err)
	}
	b.validity, b.next = at.UIDValidity, at.UIDNext
	return nil
}

func (b *mailbox) close() {
	b.stop()
	b.client.Close() //nolint:errcheck,gosec // what matters is stored already
}

// since lists the mails after a UID, the oldest first.
func (b *mailbox) since(last imap.UID) ([]imap.UID, error) {
	if b.next != 0 && last+1 >= b.next {
		return nil, nil
	}
	found, err := b.client.UIDSearch(&imap.SearchCriteria{
		UID: []imap.UIDSet{{imap.UIDRange{Start: last + 1}}}}, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("look for new mails: %w", err)
	}
	// A range that begins after the last mail means the last mail (RFC 3501, 6.4.8).
	fresh := slices.DeleteFunc(found.AllUIDs(), func(uid imap.UID) bool { return uid <= last })
	slices.Sort(fresh)
	return fresh, nil
}

// fetch reads the reports among some mails, the first maxReportBytes bytes of each.
func (b *mailbox) fetch(uids []imap.UID) ([]report, error) {
	cmd := b.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true, Partial: &imap.SectionPartial{Size: maxReportBytes}}}})
	var reports []report
	for mail := cmd.Next(); mail != nil; mail = cmd.Next() {
		for item := mail.Next(); item != nil; item = mail.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			raw, err := io.ReadAll(io.LimitReader(body.Literal, maxReportBytes))
			if err != nil {
				continue // the connection broke: Close returns the error
			}
			if r, ok := readReport(raw); ok {
				reports = append(reports, r)
			}
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, fmt.Errorf("fetch mails: %w", err)
	}
	return reports, nil
}
