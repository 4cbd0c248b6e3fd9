package adminui

import (
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// words is what staff call what a message tells, by its subject; mails by their kind.
var words = map[string]string{
	msg.CatalogChanged: "Change of the catalog", msg.OrderPlacedSubject: "Order placed",
	msg.OrderStatusChangedSubject: "Status of an order", msg.ReceiptAddressGivenSubject: "Address for a receipt",
	msg.ShopChanged: "Change of the shop's name or address", msg.OrderMoneySubject: "Money of an order",
	msg.OrderGivenBackSubject: "What was given back of an order",

	msg.UserRegistered: "New member", msg.UserEmailVerified: "Confirmed address",
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

var mailTitles = map[string]string{
	msg.MailOrderMember: "Order confirmation for members", msg.MailOrderVisitor: "Order confirmation for visitors",
	msg.MailOrderShipped: "Order on its way", msg.MailOrderRefunded: "Refund", msg.MailOrderCanceled: "Order canceled",
	msg.MailOrderNote: "Note about an order", msg.MailPaymentPending: "Waiting for the bank",
	msg.MailPaymentRefused: "Payment refused by the bank", msg.MailWelcome: "Welcome",
	msg.MailVerify: "Confirm the address",
	msg.MailReset:  "Choose a new password", msg.MailPasswordSet: "Password was reset",
	msg.MailPasswordChanged: "Password was changed", msg.MailAddressChanged: "Address was changed",
	msg.MailAccountsMerged: "Accounts were merged", msg.MailUsername: "User name",
	msg.MailChatAlert: "Chat message waiting",
	msg.MailTest:      "Test mail", msg.MailChatAnswer: "Answer to a chat message",
	msg.MailCheckoutReminder: "Reminder of a checkout",
	msg.MailBackInStock:      "Back in stock", msg.MailReviewRequest: "Question about a purchase",
}

// MailTitle is what staff call a kind of mail; one that is not known keeps its name.
func MailTitle(kind string) string {
	if title, ok := mailTitles[kind]; ok {
		return title
	}
	return kind
}

// InWords is what staff call a message of a subject; one that is not known keeps its name.
func InWords(subject string) string {
	if text, ok := words[subject]; ok {
		return text
	}
	for begin, text := range map[string]string{"stripe.": "Stripe event ", "staff.acted.": "Act of the staff in ",
		"event.": "What a browser reported: "} {
		if rest, ok := strings.CutPrefix(subject, begin); ok {
			return text + rest
		}
	}
	if kind, ok := strings.CutPrefix(subject, msg.MailSubject("")); ok {
		return "Mail: " + MailTitle(kind)
	}
	return subject
}
