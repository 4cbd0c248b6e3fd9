package adminui_test

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Whatever a consumer may park has a name for people.
func TestEveryMessageHasAName(t *testing.T) {
	t.Parallel()
	for _, c := range msg.Consumers {
		for _, filter := range c.Subjects {
			for _, end := range []string{"a.b", "order"} {
				subject := strings.NewReplacer(">", end, "*", end).Replace(filter)
				if got := adminui.InWords(subject); got == subject || got == "" {
					t.Errorf("%s of %s has no words", subject, c.Name)
				}
			}
		}
	}
	for subject, want := range map[string]string{
		"stripe.payment_intent.succeeded": "Stripe event payment_intent.succeeded", "order.placed": "Order placed",
		msg.MailSubject(msg.MailOrderVisitor): "Mail: Order confirmation for visitors", "mail.send.other": "Mail: other", "x.y": "x.y",
		"event.pageview": "What a browser reported: pageview", "staff.acted.order": "Act of the staff in order",
	} {
		if got := adminui.InWords(subject); got != want {
			t.Errorf("%s is %q, want %q", subject, got, want)
		}
	}
}
