// Package mailer is the only sender of mail. Commands to send become rows of a ledger before
// anything else happens; senders work the ledger off, so a mail is never lost, and sent twice only
// where SMTP itself leaves no other way (docs/adr/0004-mail-ledger-first.md).
package mailer
