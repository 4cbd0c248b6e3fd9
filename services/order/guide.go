package order

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// The keys of the guide's notes in the configuration.
const (
	settingGuideStripe = "guide_stripe" // mark of the Stripe key that was tested
	settingGuideHidden = "guide_hidden" // the person who put the guide away
)

// guideFacts are what the guide knows from tables. The rows of the sample shop do not count.
type guideFacts struct {
	Name, Pictures, Product, Shipping bool
	Stripe, Hidden                    *string
}

// guideSteps are order's steps for setting up a shop; none once the guide was put away. Mails and
// legal texts are steps of the services that own them.
func (s *server) guideSteps(r *http.Request) ([]adminui.GuideStep, error) {
	f, err := readGuideFacts(r.Context(), s.pool)
	if err != nil || f.Hidden != nil || !adminui.Who(r).May(adminui.SettingsView) {
		return nil, err
	}
	const test = "/settings/guide/stripe"
	steps := []adminui.GuideStep{
		{Place: 1, Title: "Say who you are", Text: "The shop's name, its address, and how to reach you.", Done: f.Name,
			To: "/settings/shop"},
		{Place: 2, Title: "Show what you sell", Text: "Your own pictures instead of the sample shop's.",
			Done: f.Pictures, To: "/catalog"},
		{Place: 3, Title: "Make the first product", Text: "With a price and something in stock.", Done: f.Product,
			To: "/catalog"},
		{Place: 4, Title: "Say what shipping costs", Text: "Flat, by weight or by order value, and to which countries.",
			Done: f.Shipping, To: "/settings/shipping"},
		{Place: 5, Title: "Take money with Stripe", Text: s.stripeText(), Done: pg.Text(f.Stripe) == s.stripeMark(),
			Test: &adminui.Command{Text: "Call Stripe", To: test}},
		{Place: 8, Title: "Go live", Text: "Stripe's live keys and a public https address: docs/make-it-yours.md " +
			"says how.", Done: s.live()},
	}
	return steps, nil
}

// stripeText says which kind of key the shop has.
func (s *server) stripeText() string {
	switch {
	case s.cfg.StripeSecretKey == "":
		return "No key yet: set STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY in the environment."
	case s.liveKey():
		return "This is a live key: payments are real."
	}
	return "This is a test key: no money moves. Call Stripe to see whether it works."
}

func (s *server) liveKey() bool {
	return strings.HasPrefix(s.cfg.StripeSecretKey, "sk_live_") || strings.HasPrefix(s.cfg.StripeSecretKey, "rk_live_")
}

// live reports whether shoppers can pay at an address that they can trust.
func (s *server) live() bool { return s.liveKey() && strings.HasPrefix(s.cfg.PublicURL, "https://") }

// stripeMark identifies the key that Stripe was called with: another key has to be tested again.
func (s *server) stripeMark() string {
	return web.MAC(s.cfg.Key("guide"), s.cfg.StripeAPIBase, s.cfg.StripeSecretKey)
}

// staffCallStripe makes a harmless call to Stripe, and says how it went.
func (s *server) staffCallStripe(r *http.Request) (adminui.Answer, error) {
	none := func(stripe.Session) error { return nil }
	err := s.stripe.Sessions(r.Context(), time.Now().Add(-time.Second), none)
	switch code := stripe.Status(err); {
	case err == nil:
		mark := s.stripeMark()
		err = s.noteGuide(r, settingGuideStripe, &mark, "Called Stripe, which knows the key")
		return adminui.Done{To: "/", Text: "Stripe answers: the key works."}, err
	case errors.Is(err, stripe.ErrNoKey):
		return adminui.Done{To: "/", Text: "There is no key to call Stripe with."}, nil
	case code == http.StatusUnauthorized:
		return adminui.Done{To: "/", Text: "Stripe does not know this key."}, nil
	case code == http.StatusForbidden:
		return adminui.Done{To: "/", Text: "The key may not read Checkout Sessions: give it that right in Stripe."}, nil
	case code != 0:
		return adminui.Done{To: "/", Text: fmt.Sprintf("Stripe answers with an error (%d).", code)}, nil
	}
	return adminui.Done{To: "/", Text: "Stripe does not answer."}, nil
}

// noteGuide stores that a step was done; nil clears it.
func (s *server) noteGuide(r *http.Request, key string, value *string, text string) error {
	return s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if err := storeSettings(r.Context(), tx, []string{key}, []*string{value}, adminui.Who(r).Name); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "settings", Key: "guide",
			Text: text})
	})
}

// testMailTTL is how long a test mail is worth sending.
const testMailTTL = time.Hour

// staffTestMail has a mail sent to the shop's staff, at most one a minute for each person: a button
// that is pressed twice sends one mail.
func (s *server) staffTestMail(r *http.Request) (adminui.Answer, error) {
	now := time.Now().UTC()
	key := fmt.Sprintf("%s:%d:%s", msg.MailTest, adminui.Who(r).Person, now.Format("200601021504"))
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if err := bus.Enqueue(r.Context(), tx, msg.Message{Key: key, Subject: msg.MailSubject(msg.MailTest),
			Payload: msg.SendMail{Kind: msg.MailTest, CreatedAt: now, Deadline: now.Add(testMailTTL)}}); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "settings", Key: "guide",
			Text: "Sent a test mail"})
	})
	return adminui.Done{To: "/", Text: "A mail to the shop's own address is on its way. You see here when it was " +
		"accepted."}, err
}

// staffHideGuide puts the guide away for everybody.
func (s *server) staffHideGuide(r *http.Request) (adminui.Answer, error) {
	by := adminui.Who(r).Name
	return adminui.Done{To: "/", Text: "The guide is hidden. You can show it again under Settings."},
		s.noteGuide(r, settingGuideHidden, &by, "Put the guide away")
}

// staffShowGuide brings the guide back for everybody.
func (s *server) staffShowGuide(r *http.Request) (adminui.Answer, error) {
	return adminui.Done{To: "/", Text: "The guide is back."},
		s.noteGuide(r, settingGuideHidden, nil, "Brought the guide back")
}
