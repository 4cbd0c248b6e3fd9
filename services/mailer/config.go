package mailer

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Config holds the settings of mailer.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Public
	boot.Keys
	boot.Staff
	Addr         string `envconfig:"MAILER_ADDR" default:"127.0.0.1:8085" desc:"listener for admin, which forwards staff to it"`
	UserURL      string `envconfig:"USER_URL" default:"http://127.0.0.1:8082" desc:"address of user; comma-separated if there are several"`
	OrderURL     string `envconfig:"ORDER_URL" default:"http://127.0.0.1:8083" desc:"address of order; comma-separated if there are several"`
	SMTPHost     string `envconfig:"SMTP_HOST" desc:"mail server; make run brings an inbox if it is empty"`
	SMTPPort     int    `envconfig:"SMTP_PORT" default:"587" desc:"port of the mail server"`
	SMTPUsername string `envconfig:"SMTP_USERNAME" desc:"login at the mail server, if it requires one"`
	SMTPPassword string `envconfig:"SMTP_PASSWORD" desc:"password of that login"`
	SMTPTLS      string `envconfig:"SMTP_TLS" default:"starttls" desc:"none, starttls (required, not merely tried) or tls"`
	MailFrom     string `envconfig:"MAIL_FROM" default:"StartUpWebApp <shop@startupwebapp.example>" desc:"sender of all mails; its display name is the shop's name until staff set one"`
	MailReplyTo  string `envconfig:"MAIL_REPLY_TO" desc:"address for answers; MAIL_FROM if it is empty"`
	MailStaff    string `envconfig:"MAIL_STAFF" default:"staff@startupwebapp.example" desc:"address for mails to the staff"`
	MailSeenURL  string `envconfig:"MAIL_SEEN_URL" desc:"asked with ?message_id=… before an attempt of unknown outcome is repeated; answers {\"count\":n}"`
	MailsAnHour  int    `envconfig:"MAILS_AN_HOUR" default:"5" desc:"most mails to one address within an hour; order confirmations do not count, 0 means no limit"`
	MailsADay    int    `envconfig:"MAILS_A_DAY" default:"20" desc:"most mails to one address within 24 hours; order confirmations do not count, 0 is no limit"`
	MailBounces  string `envconfig:"MAIL_BOUNCES" desc:"envelope sender of all mails, where mail systems report what they cannot deliver; if empty, each mail's own sender"`
	IMAPHost     string `envconfig:"IMAP_HOST" desc:"server of the mailbox of MAIL_BOUNCES, read to stop newsletters to addresses that no longer exist; when empty, reports are not read"`
	IMAPPort     int    `envconfig:"IMAP_PORT" default:"993" desc:"port of that server"`
	IMAPUsername string `envconfig:"IMAP_USERNAME" desc:"login at that server"`
	IMAPPassword string `envconfig:"IMAP_PASSWORD" desc:"password of that login"`
	IMAPTLS      string `envconfig:"IMAP_TLS" default:"tls" desc:"none, starttls or tls"`
	IMAPFolder   string `envconfig:"IMAP_FOLDER" default:"INBOX" desc:"folder with the reports; it is only read, never changed"`
	CurrencySign string `envconfig:"CURRENCY_SIGN" default:"$" desc:"sign before amounts in mails"`
	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
}

// Validate reports all settings that cannot work.
func (c Config) Validate() error {
	errs := []error{c.Common.Validate()}
	if c.SMTPTLS != "none" && c.SMTPTLS != "starttls" && c.SMTPTLS != "tls" {
		errs = append(errs, fmt.Errorf("SMTP_TLS is %q: want none, starttls or tls", c.SMTPTLS))
	}
	if c.Production() && c.SMTPTLS == "none" && !loopback(c.SMTPHost) {
		errs = append(errs, errors.New("SMTP_TLS is none: production requires encrypted mail"))
	}
	if c.SMTPPort < 1 || c.SMTPPort > 65535 {
		errs = append(errs, fmt.Errorf("SMTP_PORT is %d: want 1 to 65535", c.SMTPPort))
	}

	errs = append(errs, c.validateIMAP())
	if c.MailsAnHour < 0 || c.MailsADay < 0 {
		errs = append(errs, errors.New("MAILS_AN_HOUR or MAILS_A_DAY is below 0"))
	}

	for name, value := range map[string]string{"MAIL_FROM": c.MailFrom, "MAIL_REPLY_TO": c.MailReplyTo,
		"MAIL_BOUNCES": c.MailBounces, "MAIL_STAFF": c.MailStaff} {
		if value == "" && (name == "MAIL_REPLY_TO" || name == "MAIL_BOUNCES") {
			continue
		}
		if _, err := parseAddress(value); err != nil {
			errs = append(errs, fmt.Errorf("%s is not a mail address: %w", name, err))
		}
	}

	for name, value := range map[string]string{"USER_URL": c.UserURL, "ORDER_URL": c.OrderURL} {
		if _, err := web.ParseAddresses(name, value); err != nil {
			errs = append(errs, err)
		}
	}
	if u, err := url.Parse(c.MailSeenURL); err != nil || (c.MailSeenURL != "" && u.Host == "") {
		errs = append(errs, errors.New("MAIL_SEEN_URL is not a URL"))
	}

	return errors.Join(errs...)
}

// validateIMAP reports the settings of the mailbox for bounces that cannot work.
func (c Config) validateIMAP() error {
	if c.IMAPHost == "" {
		return nil
	}
	var errs []error
	if c.IMAPTLS != "none" && c.IMAPTLS != "starttls" && c.IMAPTLS != "tls" {
		errs = append(errs, fmt.Errorf("IMAP_TLS is %q: want none, starttls or tls", c.IMAPTLS))
	}
	if c.Production() && c.IMAPTLS == "none" && !loopback(c.IMAPHost) {
		errs = append(errs, errors.New("IMAP_TLS is none: production requires an encrypted connection"))
	}
	if c.IMAPPort < 1 || c.IMAPPort > 65535 {
		errs = append(errs, fmt.Errorf("IMAP_PORT is %d: want 1 to 65535", c.IMAPPort))
	}
	if c.IMAPUsername == "" || c.IMAPPassword == "" || c.IMAPFolder == "" {
		errs = append(errs, errors.New("IMAP_HOST is set: IMAP_USERNAME, IMAP_PASSWORD and IMAP_FOLDER are needed"))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parseAddress reads "name@host" or "Name <name@host>". It accepts every address that can be
// entered in the shop, and more, since payers enter theirs at Stripe. It is stricter than the mail
// standards: it refuses whatever could end an SMTP command early.
func parseAddress(s string) (*mail.Address, error) {
	if !strings.Contains(s, "<") {
		s = email.Path(s)
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		return nil, errors.New("it cannot be parsed") // net/mail's text repeats the address
	}
	local, host, ok := strings.Cut(a.Address, "@")
	if !ok || local == "" || host == "" || strings.Contains(host, "@") || len(a.Address) > 254 {
		return nil, errors.New("it is not of the form name@host")
	}
	for _, r := range a.Address {
		if r <= ' ' || r == 0x7f || (r >= 0x80 && r < 0xa1) || strings.ContainsRune(`<>()[]\,;:"`, r) {
			return nil, errors.New("it holds a character that mail servers stumble over")
		}
	}
	a.Name = clean(a.Name)
	return a, nil
}
