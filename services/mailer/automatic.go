package mailer

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// newsKinds are automatic mails to people who asked for news. Their consent is checked at each try
// to send one.
var newsKinds = map[string]bool{msg.MailCheckoutReminder: true, msg.MailReviewRequest: true}

// errUnasked is about a mail for which order could not be asked whether it still makes sense: it
// waits.
var errUnasked = errors.New("order cannot be asked about the mail")

// unaskedPause is the pause before order is asked again.
const unaskedPause = 30 * time.Second

// forReader addresses the command of an automatic mail to the person who may get it now. Order is
// asked last, at each try, whether the mail still makes sense.
func (s *server) forReader(ctx context.Context, d *delivery, m msg.SendMail) (msg.SendMail, error) {
	news := newsKinds[m.Kind]
	if !news && m.Kind != msg.MailBackInStock || len(m.To) != 1 {
		return m, nil
	}
	to, wanted := recipient{}, true
	gone, err := bouncedAmong(ctx, s.pool, []string{s.hash(m.To[0])})
	if err == nil && news {
		to, wanted, err = findNewsReader(ctx, s.pool, m.MemberID, m.To[0], m.Data["asked"] == "true")
	}
	switch {
	case err != nil:
		return m, err
	case !wanted || len(gone) > 0:
		return m, errUnwanted
	}
	if err := s.askWanted(ctx, d, m); err != nil || !news {
		return m, err
	}
	return toReader(m, to), nil
}

// askWanted asks order whether an automatic mail still makes sense. For a copy that staff sent, it
// asks about the original.
func (s *server) askWanted(ctx context.Context, d *delivery, m msg.SendMail) error {
	key, _, _ := strings.Cut(d.Key, ":again:")
	var answer struct {
		Wanted bool `json:"wanted"`
	}
	err := s.ask(ctx, s.owners.order, "/internal/mail-wanted", url.Values{"key": {key}, "notice": {m.Data["notice"]}},
		&answer)
	switch {
	case err != nil:
		s.log.WarnContext(ctx, "an automatic mail waits, order cannot be asked about it", "key", d.Key, "error", err)
		return errUnasked
	case !answer.Wanted:
		return errUnwanted
	}
	return nil
}

// toReader fills in the person who gets an automatic mail.
func toReader(m msg.SendMail, to recipient) msg.SendMail {
	data := map[string]string{"token": to.token}
	for name, value := range m.Data {
		data[name] = value
	}
	if data["first_name"] == "" {
		data["first_name"] = to.firstName
	}
	m.Data, m.MemberCode, m.ProspectCode = data, "", ""
	if to.kind == "member" {
		m.MemberCode = to.code
	} else {
		m.ProspectCode = to.code
	}
	return m
}

// automaticLinks are the links of an automatic mail, by their names in braces; nil for other kinds.
func (s *server) automaticLinks(m msg.SendMail) map[string]string {
	codes := "em_cd=" + linkCode(m.Kind)
	token := "&token="
	switch {
	case m.MemberCode != "":
		codes += "&mb_cd=" + linkCode(m.MemberCode)
	case m.ProspectCode != "":
		codes, token = codes+"&pr_cd="+linkCode(m.ProspectCode), "&pr_token="
	}
	shop := s.cfg.PublicURL
	switch {
	case newsKinds[m.Kind]:
		return map[string]string{"cart_link": shop + "/cart?" + codes,
			"order_link":       shop + "/account/order?identifier=" + linkCode(m.Data["identifier"]) + "&" + codes,
			"unsubscribe_link": shop + "/account/email-unsubscribe?" + codes + token + linkCode(m.Data["token"])}
	case m.Kind == msg.MailBackInStock:
		return map[string]string{"product_link": shop + "/product/" + linkCode(m.Data["product"]) + "?" + codes,
			"unsubscribe_link": shop + "/account/no-notices?notice=" + linkCode(m.Data["notice"])}
	}
	return nil
}
