package msg

import "strings"

// keyBegins says how the keys of a subject begin, where that is not the subject itself and a colon.
var keyBegins = map[string]string{
	CatalogChanged: "catalog:", OrderPlacedSubject: "order-placed:", OrderStatusChangedSubject: "order-status:",
	ReceiptAddressGivenSubject:   "receipt-address:",
	MailSubject(MailOrderMember): "order-confirmation:", MailSubject(MailOrderVisitor): "order-confirmation:",
}

// KeyBegin is how the keys of a subject begin; client events have keys of edge's without a beginning.
func KeyBegin(subject string) string {
	family, kind, _ := strings.Cut(subject, ".")
	if begin, ok := keyBegins[subject]; ok {
		return begin
	}
	switch {
	case family == "stripe":
		return "evt_" // Stripe's own
	case family == "event":
		return ""
	case family == "dead":
		return "dead:" + kind + ":"
	case strings.HasPrefix(subject, "mail.send."):
		return strings.TrimPrefix(subject, "mail.send.") + ":"
	}
	return subject + ":"
}

// Fits reports whether a message with this key can be one that its sender meant for this subject. The
// broker answers requests wherever their reply subject says, and hands stored messages out there
// too: a service that is broken into could have it put another one's message, or the broker's own
// words, into a stream under a subject that the service itself may not publish to. Neither has a key
// that belongs there.
func Fits(subject, key string) bool {
	begin := KeyBegin(subject)
	if begin == "" {
		return key != "" && !strings.Contains(key, ":") && !strings.HasPrefix(key, "evt_")
	}
	return len(key) > len(begin) && strings.HasPrefix(key, begin)
}
