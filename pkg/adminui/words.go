package msg

import "strings"

// words is what staff call what a message tells, by its subject; mails by their kind.
var words = map[string]string{
	CatalogChanged: "Change of the catalog", OrderPlacedSubject: "Order placed",
	OrderStatusChangedSubject: "Status of an order", ReceiptAddressGivenSubject: "Address for a receipt",
	ShopChanged: "Change of the shop's name or address", OrderMoneySubject: "Money of an order",
	OrderGivenBackSubject: "What was given back of an order",

	UserRegistered: "New member", UserEmailVerified: "Confirmed address",
	UserProfileChanged:     "Change of a member's data",
	UserPreferencesChanged: "Change of a member's mail choices",
	UserCredentialsChanged: "Change of a member's password",
	UserErased:             "Erasure of a person",
	UserMerged:             "Merge of two members",
	ProspectChanged:        "Change of a prospect",
	UserChatWritten:        "Chat message",

	MailSentSubject: "Report of a mail that was sent", MailParkedSubject: "Report of a mail that could not be sent",
	EventsTogether: "What browsers reported",
}

var mailTitles = map[string]string{
	MailOrderMember: "Order confirmation for members", MailOrderVisitor: "Order confirmation for visitors",
	MailOrderShipped: "Order on its way", MailOrderRefunded: "Refund", MailOrderCanceled: "Order canceled",
	MailOrderNote: "Note about an order", MailPaymentPending: "Waiting for the bank",
	MailPaymentRefused: "Payment refused by the bank", MailWelcome: "Welcome", MailVerify: "Confirm the address",
	MailReset: "Choose a new password", MailPasswordSet: "Password was reset",
	MailPasswordChanged: "Password was changed", MailAddressChanged: "Address was changed",
	MailAccountsMerged: "Accounts were merged", MailUsername: "User name", MailChatAlert: "Chat message waiting",
	MailTest: "Test mail", MailChatAnswer: "Answer to a chat message", MailCheckoutReminder: "Reminder of a checkout",
	MailBackInStock: "Back in stock", MailReviewRequest: "Question about a purchase",
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
	if kind, ok := strings.CutPrefix(subject, MailSubject("")); ok {
		return "Mail: " + MailTitle(kind)
	}
	return subject
}
