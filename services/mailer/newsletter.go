package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The kinds of mail that staff start by hand. Nobody else commands them.
const (
	kindDraft      = "newsletter-draft"
	kindNewsletter = "newsletter"
)

// The states of a template. Only a draft is tried out on staff, only a ready one goes to its receivers.
const (
	statusDraft = "Draft"
	statusReady = "Ready"
	statusSent  = "Sent"
)

// draftNewsletter mails staff what every receiver would get, each time anew.
func (s *service) draftNewsletter(w http.ResponseWriter, r *http.Request) error {
	return s.startNewsletter(w, r, kindDraft, statusDraft)
}

// sendNewsletter mails it to its receivers, once: the template is Sent with the same commit.
func (s *service) sendNewsletter(w http.ResponseWriter, r *http.Request) error {
	return s.startNewsletter(w, r, kindNewsletter, statusReady)
}

func (s *service) startNewsletter(w http.ResponseWriter, r *http.Request, kind, status string) error {
	ctx, n := r.Context(), 0
	err := pg.Tx(ctx, s.pool, func(tx pgx.Tx) error {
		t, err := lockTemplate(ctx, tx, chi.URLParam(r, "em_cd"))
		if err != nil {
			return err
		}
		if problem := t.unfit(status); problem != "" {
			return &web.Error{Status: http.StatusConflict, Code: problem}
		}
		if kind == kindNewsletter {
			if err := markTemplateSent(ctx, tx, t.EmCd); err != nil {
				return err
			}
		}
		n, err = s.insertNewsletter(ctx, tx, t, kind)
		return err
	})
	if err != nil {
		return err
	}
	s.wakeSender()
	s.log.Info("newsletter started", "kind", kind, "em_cd", chi.URLParam(r, "em_cd"), "mails", n)
	return web.JSON(w, http.StatusOK, map[string]int{"mails": n})
}

// receiversAtOnce is how many mails go into the ledger with one statement.
const receiversAtOnce = 1000

// insertNewsletter puts one mail for each receiver into the ledger.
func (s *service) insertNewsletter(ctx context.Context, tx pgx.Tx, t mailTemplate, kind string) (mails int, err error) {
	list, err := listReceivers(ctx, tx, t.receivers())
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(list, receiversAtOnce) {
		fresh := make([]newDelivery, len(part))
		for i, to := range part {
			if fresh[i], err = s.newsletterTo(to, t, kind); err != nil {
				return 0, err
			}
		}
		if err := insertDeliveries(ctx, tx, fresh); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// unfit says why a template is no newsletter that can go out, or nothing.
func (t mailTemplate) unfit(status string) string {
	token := "{token}"
	if t.receivers() == "prospect" {
		token = "{pr_token}"
	}
	switch {
	case t.EmCd == memberConfirmation || t.EmCd == visitorConfirmation || strings.Contains(t.BodyText, "{identifier}"):
		return "template-of-orders"
	case t.Status != status:
		return "template-is-" + strings.ToLower(t.Status)
	case !strings.Contains(t.BodyText, token) || t.BodyHTML != "" && !strings.Contains(t.BodyHTML, token):
		return "no-unsubscribe-link"
	}
	return ""
}

// receivers is the kind of recipient that a template is for.
func (t mailTemplate) receivers() string { return strings.ToLower(t.Type) }

// newsletterTo is one mail. It is filled in when it is sent, so that whoever unsubscribes or is erased
// meanwhile gets none; the ledger holds no name and no content.
func (s *service) newsletterTo(to recipient, t mailTemplate, kind string) (newDelivery, error) {
	now := time.Now().UTC()
	m := msg.SendMail{Kind: kind, Data: map[string]string{"em_cd": t.EmCd, "recipient": strconv.FormatInt(to.id, 10)},
		CreatedAt: now, Deadline: now.Add(defaultLife)}
	switch {
	case kind == kindDraft: // goes to staff, and is about nobody
	case to.kind == "member":
		m.To, m.MemberID = []string{to.email}, to.id
	default:
		m.To, m.ProspectCode = []string{to.email}, to.code
	}
	data, err := json.Marshal(m)
	if err != nil {
		return newDelivery{}, fmt.Errorf("marshal a newsletter: %w", err)
	}
	return s.ledgerRow(fmt.Sprintf("%s:%s:%s:%d:%d", kind, t.EmCd, to.kind, to.id, now.UnixNano()), m, data)
}

// errUnwanted is about a mail whose receiver has unsubscribed or is gone: it is dropped.
var errUnwanted = errors.New("the receiver does not want it any more")

// writeNewsletter fills a newsletter, or a draft of it, for one receiver.
func (s *service) writeNewsletter(ctx context.Context, m msg.SendMail) (content, error) {
	t, err := readTemplate(ctx, s.pool, m.Data["em_cd"])
	if err != nil {
		return content{}, err
	}
	id, err := strconv.ParseInt(m.Data["recipient"], 10, 64)
	if err != nil {
		return content{}, errors.New("the command names no receiver")
	}
	to, wanted, err := findReceiver(ctx, s.pool, t.receivers(), id)
	if err != nil {
		return content{}, err
	}
	if !wanted {
		return content{}, errUnwanted
	}
	if m.Kind == kindNewsletter {
		return s.fillNewsletter(t, to, ""), nil
	}
	all, err := listReceivers(ctx, s.pool, t.receivers())
	if err != nil {
		return content{}, err
	}
	return s.fillNewsletter(t, to, draftNote(to, all)), nil
}

// draftList is how many receivers a draft names.
const draftList = 500

// draftNote stands above a draft: whom it is filled for, and who else would get it.
func draftNote(to recipient, list []recipient) string {
	var b strings.Builder
	fmt.Fprintf(&b, "THIS IS A DRAFT. It is filled in for %s. These %d would get it:\n", to.email, len(list))
	for _, r := range list[:min(len(list), draftList)] {
		fmt.Fprintf(&b, "  %s\n", r.email)
	}
	if more := len(list) - draftList; more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	return b.String()
}

func (s *service) fillNewsletter(t mailTemplate, to recipient, draft string) content {
	name, subject := clean(to.firstName), t.Subject
	if name == "" {
		name = "customer"
	}
	link := s.cfg.PublicURL + "/account/email-unsubscribe?em_cd=" + linkCode(t.EmCd)
	values := map[string]string{
		"ENVIRONMENT_DOMAIN": s.cfg.PublicURL, "recipient_first_name": name, "em_cd": linkCode(t.EmCd), "shop_name": s.shop(), "contact": s.replyTo.Address,
		"mb_cd": "", "token": "", "pr_cd": "", "pr_token": "",
	}
	if to.kind == "member" {
		values["mb_cd"], values["token"] = linkCode(to.code), linkCode(to.token)
		link += "&mb_cd=" + values["mb_cd"] + "&token=" + values["token"]
	} else {
		values["pr_cd"], values["pr_token"] = linkCode(to.code), linkCode(to.token)
		link += "&pr_cd=" + values["pr_cd"] + "&pr_token=" + values["pr_token"]
	}
	subject = fill(subject, values, "", nil)
	values["msg_subject"] = subject
	c := content{subject: subject, text: fill(t.BodyText, values, draft, nil), html: fill(t.BodyHTML, values, draft, html.EscapeString)}
	c.from, c.bcc = s.sender(t), s.bcc(t)
	if draft != "" {
		c.subject, c.bcc = "DRAFT: "+subject, nil
		return c
	}
	c.emCode, c.unsubscribe = t.EmCd, link
	return c
}

// fill puts values and the draft's note into the names in braces, in one pass, so that braces in what
// is filled in stay what they are. A template without a place for the note has it on top.
func fill(text string, values map[string]string, draft string, escape func(string) string) string {
	if text == "" {
		return ""
	}
	place := "{draft_text}"
	if escape != nil {
		place = "{draft_html}"
	} else {
		escape = func(s string) string { return s }
	}
	if draft != "" {
		if !strings.Contains(text, place) {
			text = place + text
		}
		if draft = escape(draft); place == "{draft_html}" {
			draft = "<pre>" + draft + "</pre>"
		} else {
			draft += "\n"
		}
	}
	pairs := []string{place, draft}
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", escape(value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
