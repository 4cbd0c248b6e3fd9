package mailer

import "github.com/startupwebapp/startupwebapp/pkg/msg"

// mailKind is a kind of mail as staff know it.
type mailKind struct{ Kind, Title string }

// mailKinds are all kinds, in the order in which pages show them.
var mailKinds = []mailKind{
	{msg.MailOrderMember, "Order confirmation for members"},
	{msg.MailOrderVisitor, "Order confirmation for visitors"},
	{msg.MailOrderShipped, "Order on its way"},
	{msg.MailOrderRefunded, "Refund"},
	{msg.MailOrderCanceled, "Order canceled"},
	{msg.MailOrderNote, "Note about an order"},
	{msg.MailPaymentPending, "Waiting for the bank"},
	{msg.MailPaymentRefused, "Payment refused by the bank"},
	{msg.MailWelcome, "Welcome"},
	{msg.MailVerify, "Confirm the address"},
	{msg.MailReset, "Choose a new password"},
	{msg.MailPasswordSet, "Password was reset"},
	{msg.MailPasswordChanged, "Password was changed"},
	{msg.MailAddressChanged, "Address was changed"},
	{msg.MailUsername, "User name"},
	{msg.MailChatAlert, "Chat message waiting"},
	{kindNewsletter, "Newsletter"},
	{kindDraft, "Newsletter, draft"},
}

// kindTitle is what staff call a kind; one that is not known keeps its name.
func kindTitle(kind string) string {
	for _, k := range mailKinds {
		if k.Kind == kind {
			return k.Title
		}
	}
	return kind
}
