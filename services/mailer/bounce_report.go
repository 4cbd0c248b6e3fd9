package mailer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

const (
	// maxReportBytes is how much of a mail is read, in bytes. The report stands before the mail
	// that it is about.
	maxReportBytes = 128 << 10
	// reportParts is how many parts of a mail are read. A report has three.
	reportParts = 8
)

// report is what a mail system reports about a mail of ours (RFC 3464).
type report struct {
	messageID string // of the mail that the report is about
	failed    []failure
}

// failure is an address that a mail did not reach.
type failure struct {
	addresses []string // as sent and as finally delivered to, as far as the report names them
	status    string   // RFC 3463, as 5.1.1
	reply     result   // of the server that refused the mail, if the report has it
}

// readReport reads a report; ok is false for any other mail, and for a report that calls no address
// gone.
func readReport(raw []byte) (r report, ok bool) {
	mail, err := message.Read(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) {
		return r, false
	}
	kind, words, err := mail.Header.ContentType()
	if err != nil || kind != "multipart/report" || !strings.EqualFold(words["report-type"], "delivery-status") {
		return r, false
	}

	parts := mail.MultipartReader()
	if parts == nil {
		return r, false
	}
	for range reportParts {
		part, err := parts.NextPart()
		if err != nil && !message.IsUnknownCharset(err) {
			break // the end, or where the mail was cut off
		}
		kind, _, err := part.Header.ContentType()
		if err != nil {
			continue
		}
		switch kind {
		case "message/delivery-status", "message/global-delivery-status":
			r.failed = readStatus(part.Body)
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			head, _ := textproto.ReadHeader(bufio.NewReader(part.Body)) //nolint:errcheck // any part counts
			r.messageID = strings.Trim(strings.TrimSpace(head.Get("Message-Id")), "<>")
		}
	}

	return r, r.messageID != "" && len(r.failed) > 0
}

// readStatus reads the addresses that are gone. Empty lines separate the groups of fields; the
// first group is about the whole mail.
func readStatus(body io.Reader) (failed []failure) {
	fields := bufio.NewReader(io.LimitReader(body, maxReportBytes))
	for {
		group, err := textproto.ReadHeader(fields)
		f, action := readFailure(group), strings.TrimSpace(group.Get("Action"))
		if strings.EqualFold(action, "failed") && f.permanent() {
			failed = append(failed, f)
		}
		if err != nil || group.Len() == 0 {
			return failed
		}
	}
}

// statusCode is the status at the beginning of a field; a comment may follow.
var statusCode = regexp.MustCompile(`^\s*([245]\.\d{1,3}\.\d{1,3})\b`)

func readFailure(group textproto.Header) (f failure) {
	for _, field := range []string{"Original-Recipient", "Final-Recipient"} {
		if _, address, ok := strings.Cut(group.Get(field), ";"); ok {
			f.addresses = append(f.addresses, strings.Trim(strings.TrimSpace(address), "<>"))
		}
	}
	if found := statusCode.FindStringSubmatch(group.Get("Status")); found != nil {
		f.status = found[1]
	}
	if kind, words, ok := strings.Cut(group.Get("Diagnostic-Code"), ";"); ok &&
		strings.EqualFold(strings.TrimSpace(kind), "smtp") {
		f.reply.reply = strings.TrimSpace(words)
		if _, err := fmt.Sscanf(f.reply.reply, "%3d", &f.reply.code); err != nil {
			f.reply.code = 0
		}
	}
	return f
}
