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

// The kinds of mail that staff start by hand. No one else commands them.
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

// draftNewsletter mails staff once what receivers would get, and who they are.
func (s *server) draftNewsletter(w http.ResponseWriter, r *http.Request) error {
	return s.startNewsletter(w, r, kindDraft, statusDraft)
}

// sendNewsletter mails it to its receivers, once: the template is Sent with the same commit.
func (s *server) sendNewsletter(w http.ResponseWriter, r *http.Request) error {
	return s.startNewsletter(w, r, kindNewsletter, statusReady)
}

func (s *server) startNewsletter(w http.ResponseWriter, r *http.Request, kind, status string) error {
	ctx, n := r.Context(), started{}
	err := pg.Tx(ctx, s.pool, func(tx pgx.Tx) error {
		t, err := lockTemplate(ctx, tx, chi.URLParam(r, "em_cd"))
		if err != nil {
			return err
		}
		if problem := t.unfit(status); problem != "" {
			return &web.Error{Status: http.StatusConflict, Code: problem}
		}
		if kind == kindNewsletter {
			waiting, err := underWay(ctx, tx, t.EmCd)
			if err != nil {
				return err
			}
			if waiting {
				return &web.Error{Status: http.StatusConflict, Code: "newsletter-under-way"}
			}
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
	s.log.Info("newsletter started", "kind", kind, "em_cd", chi.URLParam(r, "em_cd"), "mails", n.Mails, "suppressed",
		n.Suppressed)
	return web.JSON(w, http.StatusOK, n)
}

// started says how many mails a newsletter or a draft became.
type started struct {
	Mails      int `json:"mails"`
	Suppressed int `json:"suppressed,omitempty"` // by the ceiling
}

// receiversAtOnce is how many mails go into the ledger with one statement.
const receiversAtOnce = 1000

// insertNewsletter freezes the newsletter and puts one mail for each receiver into the ledger, or for
// staff a single draft.
func (s *server) insertNewsletter(ctx context.Context, tx pgx.Tx, t mailTemplate, kind string) (n started, err error) {
	list, err := listReceivers(ctx, tx, t.receivers())
	if err != nil || len(list) == 0 {
		return started{}, err
	}
	issue, err := freeze(ctx, tx, t)
	if err != nil {
		return started{}, err
	}
	if kind == kindDraft {
		d, err := s.draftOf(list[0], t, issue)
		if err != nil {
			return started{}, err
		}
		return started{Mails: 1}, insertDeliveries(ctx, tx, []newDelivery{d})
	}
	if err := lockAllRooms(ctx, tx); err != nil {
		return started{}, err
	}
	for part := range slices.Chunk(list, receiversAtOnce) {
		fresh := make([]newDelivery, len(part))
		for i, to := range part {
			if fresh[i], err = s.newsletterTo(to, t, issue); err != nil {
				return started{}, err
			}
		}
		if err := s.holdBack(ctx, tx, fresh); err != nil {
			return started{}, err
		}
		if err := insertDeliveries(ctx, tx, fresh); err != nil {
			return started{}, err
		}
		for _, d := range fresh {
			if d.state == stateSuppressed {
				n.Suppressed++
			} else {
				n.Mails++
			}
		}
	}
	return n, nil
}

// unfit says why a template is no newsletter that can go out, or nothing.
func (t mailTemplate) unfit(status string) string {
	token := "{token}"
	if t.receivers() == "prospect" {
		token = "{pr_token}"
	}
	switch {
	case t.ofOrders():
		return "template-of-orders"
	case t.Status != status:
		return "template-is-" + strings.ToLower(t.Status)
	case !strings.Contains(t.BodyText, token) || t.BodyHTML != "" && !strings.Contains(t.BodyHTML, token):
		return "no-unsubscribe-link"
	}
	return ""
}

// ofOrders says that a template is of mails about orders: a seeded one, or one made like them.
func (t mailTemplate) ofOrders() bool {
	for _, code := range orderTemplates {
		if t.EmCd == code {
			return true
		}
	}
	return strings.Contains(t.BodyText, "{identifier}") || strings.Contains(t.BodyText, "{order_link}")
}

// receivers is the kind of recipient that a template is for.
func (t mailTemplate) receivers() string { return strings.ToLower(t.Type) }

// newsletterTo is one mail. Who the receiver was is frozen with it: name, address and the codes of the
// links. Whether the receiver still wants it is asked when it is sent.
func (s *server) newsletterTo(to recipient, t mailTemplate, issue int64) (newDelivery, error) {
	m := msg.SendMail{Kind: kindNewsletter, To: []string{to.email},
		Data: map[string]string{"em_cd": t.EmCd, "recipient": strconv.FormatInt(to.id, 10),
			"first_name": to.firstName, "code": to.code, "token": to.token}}
	if to.kind == "member" {
		m.MemberID = to.id
	} else {
		m.ProspectCode = to.code
	}
	return s.issueRow(m, to, t, issue)
}

// draftOf is the one mail to staff that shows the newsletter as one of its receivers would get it. It
// holds nothing of that person: it is filled in when it is sent.
func (s *server) draftOf(to recipient, t mailTemplate, issue int64) (newDelivery, error) {
	return s.issueRow(msg.SendMail{Kind: kindDraft,
		Data: map[string]string{"em_cd": t.EmCd, "recipient": strconv.FormatInt(to.id, 10)}}, to, t, issue)
}

func (s *server) issueRow(m msg.SendMail, to recipient, t mailTemplate, issue int64) (newDelivery, error) {
	m.CreatedAt = time.Now().UTC()
	m.Deadline = m.CreatedAt.Add(defaultLife)
	data, err := json.Marshal(m)
	if err != nil {
		return newDelivery{}, fmt.Errorf("marshal a newsletter: %w", err)
	}
	d, err := s.ledgerRow(fmt.Sprintf("%s:%s:%s:%d:%d", m.Kind, t.EmCd, to.kind, to.id, m.CreatedAt.UnixNano()), m,
		data)
	d.newsletter = issue
	return d, err
}

var (
	// errUnwanted is about a mail whose receiver has unsubscribed or is gone: it is dropped.
	errUnwanted = errors.New("the receiver does not want it any more")
	// errPaused is about a mail whose template staff have made a Draft again: it waits.
	errPaused = errors.New("the newsletter is paused")
)

// writeNewsletter fills a newsletter as it was frozen, or a draft of it.
func (s *server) writeNewsletter(ctx context.Context, d *delivery, m msg.SendMail) (content, error) {
	t, err := s.issueOf(ctx, d, m)
	if err != nil {
		return content{}, err
	}
	id, err := strconv.ParseInt(m.Data["recipient"], 10, 64)
	if err != nil {
		return content{}, errors.New("the command names no receiver")
	}
	if m.Kind == kindDraft {
		return s.writeDraft(ctx, t, id)
	}
	if d.NewsletterID != nil && t.Status == statusDraft {
		return content{}, errPaused
	}
	if len(m.To) != 1 {
		return content{}, errors.New("the command names no receiver")
	}
	to, wanted, err := findReceiver(ctx, s.pool, t.receivers(), id, m.To[0])
	if err != nil {
		return content{}, err
	}
	if !wanted {
		return content{}, errUnwanted
	}
	if d.NewsletterID != nil {
		to.firstName, to.code, to.token = m.Data["first_name"], m.Data["code"], m.Data["token"]
	}
	return s.fillNewsletter(t, to, ""), nil
}

// issueOf is the newsletter as it was frozen. A mail from before that was done has its template, but
// goes to whom it was meant for, whatever type the template has now.
func (s *server) issueOf(ctx context.Context, d *delivery, m msg.SendMail) (mailTemplate, error) {
	if d.NewsletterID != nil {
		return readFrozen(ctx, s.pool, *d.NewsletterID)
	}
	t, err := readTemplate(ctx, s.pool, m.Data["em_cd"])
	switch {
	case m.MemberID != 0:
		t.Type = "Member"
	case m.ProspectCode != "":
		t.Type = "Prospect"
	}
	return t, err
}

// writeDraft fills a newsletter for the chosen receiver, or another one who is left.
func (s *server) writeDraft(ctx context.Context, t mailTemplate, id int64) (content, error) {
	all, err := listReceivers(ctx, s.pool, t.receivers())
	if err != nil {
		return content{}, err
	}
	if len(all) == 0 {
		return content{}, errUnwanted
	}
	chosen := max(0, slices.IndexFunc(all, func(r recipient) bool { return r.id == id }))
	return s.fillNewsletter(t, all[chosen], draftNote(all[chosen], all)), nil
}

// draftList is how many receivers a draft names.
const draftList = 50

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

func (s *server) fillNewsletter(t mailTemplate, to recipient, draft string) content {
	name, subject := clean(to.firstName), t.Subject
	if name == "" {
		name = "customer"
	}
	link := s.cfg.PublicURL + "/account/email-unsubscribe?em_cd=" + linkCode(t.EmCd)
	values := map[string]string{
		"ENVIRONMENT_DOMAIN": s.cfg.PublicURL, "recipient_first_name": name, "em_cd": linkCode(t.EmCd),
		"shop_name": s.shop(), "contact": s.replyTo.Address,
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
	c := content{subject: subject, text: fill(t.BodyText, values, draft, nil),
		html: fill(t.BodyHTML, values, draft, html.EscapeString)}
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
