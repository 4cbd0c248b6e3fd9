// Package mailer is the only sender of mail: templates, deliveries, retries.
package mailer
