package msg

import "strings"

// keyBegins says how the keys of a subject begin, where that is not the subject itself and a colon.
var keyBegins = map[string]string{
	CatalogChanged:                "catalog:",
	OrderPlacedSubject:            "order-placed:",
	OrderStatusChangedSubject:     "order-status:",
	ReceiptAddressGivenSubject:    "receipt-address:",
	MailSubject(MailOrderMember):  "order-confirmation:",
	MailSubject(MailOrderVisitor): "order-confirmation:",
}

// KeyBegin is how the keys of a subject begin; client events have keys of edge's without a
// beginning.
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

// Fits reports whether key can be the key of a message on this subject. It protects the streams:
// the broker sends replies, and stored messages, to whatever reply subject a request names, so a
// service that is broken into could make it write another service's message, or its own replies, to
// a subject that the service may not publish to. Such messages do not have a key of that subject.
func Fits(subject, key string) bool {
	begin := KeyBegin(subject)
	if begin == "" {
		return key != "" && !strings.Contains(key, ":") && !strings.HasPrefix(key, "evt_")
	}
	return len(key) > len(begin) && strings.HasPrefix(key, begin)
}
