package msg

import "testing"

// Each subject's own keys fit, and no other subject's.
func TestKeysFitOnlyTheirSubject(t *testing.T) {
	t.Parallel()
	keys := map[string]string{
		StripeSubject("checkout.session.completed"): "evt_1Nx", CatalogChanged: "catalog:77", OrderPlacedSubject: "order-placed:c1",
		OrderStatusChangedSubject:  "order-status:o1:shipped",
		OrderMoneySubject:          "order.money:o1:2",
		ShopChanged:                "order.shop:3:ab",
		ReceiptAddressGivenSubject: "receipt-address:p1", UserRegistered: "user.registered:1:1",
		UserEmailVerified: "user.email.verified:1:2", UserProfileChanged: "user.profile.changed:1:3",
		UserPreferencesChanged: "user.preferences.changed:1:4", UserCredentialsChanged: "user.credentials.changed:1:5",
		UserErased: "user.erased:1:0:7", ProspectChanged: "user.prospect.changed:1:1",
		MailSentSubject: "mail.sent:reset:1", MailParkedSubject: "mail.parked:reset:1:3", MailSubject(MailReset): "reset:1",
		MailSubject(MailPasswordSet): "password-set:1:1",
		MailSubject(MailOrderMember): "order-confirmation:c1", MailSubject(MailPaymentPending): "payment-pending:c1",
		"event.pageview": "0197f1c2-aaaa", "dead.order-stripe": "dead:order-stripe:evt_1",
	}

	for subject, own := range keys {
		if !Fits(subject, own) {
			t.Errorf("%s does not fit %s", own, subject)
		}
		for other, key := range keys {
			if other != subject && Fits(subject, key) {
				t.Errorf("%s of %s fits %s", key, other, subject)
			}
		}
		for _, key := range []string{"", ":", "evt_", subject, subject + ":", "STRIPE:1", "mail.send.reset:1"} {
			if Fits(subject, key) && !(subject == "event.pageview" && key == subject) {
				t.Errorf("%q fits %s", key, subject)
			}
		}
	}

	if !Fits(EventsTogether, "0197f1c2-aaaa") || !Fits(MailSubject(MailOrderVisitor), "order-confirmation:c1") {
		t.Error("a key does not fit")
	}
}
