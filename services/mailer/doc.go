// Package mailer is the only service that sends mail. Each command becomes a row of a ledger before
// anything else happens, and senders work off the ledger. So a mail is never lost, and is sent
// twice only where SMTP leaves no other way (docs/adr/0004-mail-ledger-first.md).
package mailer
