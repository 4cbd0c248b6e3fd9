package adminui

import (
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// words are the staff's names for messages by their subject, and for mails by their kind.
var words = map[string]string{
	msg.CatalogChanged:             "Change of the catalog",
	msg.OrderPlacedSubject:         "Order placed",
	msg.OrderStatusChangedSubject:  "Status of an order",
	msg.ReceiptAddressGivenSubject: "Address for a receipt",
	msg.ShopChanged:                "Change of the shop's name or address",
	msg.OrderMoneySubject:          "Money of an order",
	msg.OrderGivenBackSubject:      "What was given back of an order",

	msg.UserRegistered:         "New member",
	msg.UserEmailVerified:      "Confirmed address",
	msg.UserProfileChanged:     "Change of a member's data",
	msg.UserPreferencesChanged: "Change of a member's mail choices",
	msg.UserCredentialsChanged: "Change of a member's password",
	msg.UserErased:             "Erasure of a person",
	msg.UserMerged:             "Merge of two members",
	msg.ProspectChanged:        "Change of a prospect",
	msg.UserChatWritten:        "Chat message",

	msg.MailSentSubject:   "Report of a mail that was sent",
	msg.MailParkedSubject: "Report of a mail that could not be sent",
	msg.EventsTogether:    "What browsers reported",
}

// InWords is the staff's name for messages of a subject; an unknown subject keeps its own.
func InWords(subject string) string {
	if text, ok := words[subject]; ok {
		return text
	}
	for begin, text := range map[string]string{
		"stripe.":      "Stripe event ",
		"staff.acted.": "Act of the staff in ",
		"event.":       "What a browser reported: ",
	} {
		if rest, ok := strings.CutPrefix(subject, begin); ok {
			return text + rest
		}
	}
	if kind, ok := strings.CutPrefix(subject, msg.MailSubject("")); ok {
		return "Mail: " + msg.MailTitle(kind)
	}
	return subject
}
