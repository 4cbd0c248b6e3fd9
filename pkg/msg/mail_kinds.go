package msg

// The kinds of mail, in the order of the contract's table.
const (
	MailWelcome         = "welcome"
	MailVerify          = "verify"
	MailReset           = "reset"
	MailPasswordSet     = "password-set"
	MailUsername        = "username"
	MailAddressChanged  = "address-changed"
	MailPasswordChanged = "password-changed"
	MailAccountsMerged  = "accounts-merged" // ours: staff closed one of two accounts
	MailChatAlert       = "chat-alert"
	MailChatAnswer      = "chat-answer" // ours: what a person of the staff answers
	MailOrderMember     = "order-member"
	MailOrderVisitor    = "order-visitor"
	MailPaymentPending  = "payment-pending" // ours: a bank debit is under way
	MailPaymentRefused  = "payment-refused" // ours: the bank refused it
	MailOrderShipped    = "order-shipped"   // ours, as are the following
	MailOrderRefunded   = "order-refunded"
	MailOrderCanceled   = "order-canceled"
	MailOrderNote       = "order-note" // what a person of the staff wrote
	MailTest            = "test"       // to the staff, whether mails leave

	// The automatic mails, which are sent if staff have switched them on.
	MailCheckoutReminder = "checkout-reminder" // of a checkout that was not paid
	MailBackInStock      = "back-in-stock"     // to people who asked to be told
	MailReviewRequest    = "review-request"    // how the customer likes what was sent
)

// mailTitles are the staff's names for the kinds.
var mailTitles = map[string]string{
	MailWelcome:          "Welcome",
	MailVerify:           "Confirm the address",
	MailReset:            "Choose a new password",
	MailPasswordSet:      "Password was reset",
	MailUsername:         "User name",
	MailAddressChanged:   "Address was changed",
	MailPasswordChanged:  "Password was changed",
	MailAccountsMerged:   "Accounts were merged",
	MailChatAlert:        "Chat message waiting",
	MailChatAnswer:       "Answer to a chat message",
	MailOrderMember:      "Order confirmation for members",
	MailOrderVisitor:     "Order confirmation for visitors",
	MailPaymentPending:   "Waiting for the bank",
	MailPaymentRefused:   "Payment refused by the bank",
	MailOrderShipped:     "Order on its way",
	MailOrderRefunded:    "Refund",
	MailOrderCanceled:    "Order canceled",
	MailOrderNote:        "Note about an order",
	MailTest:             "Test mail",
	MailCheckoutReminder: "Reminder of a checkout",
	MailBackInStock:      "Back in stock",
	MailReviewRequest:    "Question about a purchase",
}

// MailTitle is the staff's name for a kind of mail; an unknown kind keeps its own.
func MailTitle(kind string) string {
	if title, ok := mailTitles[kind]; ok {
		return title
	}
	return kind
}
