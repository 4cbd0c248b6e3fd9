package mailer

import (
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The kinds of mail that only staff start, by hand.
const (
	kindDraft      = "newsletter-draft" // a test to an address that staff name
	kindNewsletter = "newsletter"
)

// The states of a campaign.
const (
	campaignDraft     = "draft"
	campaignScheduled = "scheduled"
	campaignRunning   = "running"
	campaignPaused    = "paused"
	campaignStopped   = "stopped"
	campaignEnded     = "ended"
)

// audiences are the groups that a campaign can go to, with their kinds of recipients.
var audiences = map[string][]string{"members": {"member"}, "prospects": {"prospect"}, "both": {"member", "prospect"}}

// receiverBatchSize is how many mails one statement inserts into the ledger.
const receiverBatchSize = 1000

// receiversOf lists the people in a campaign's audience and segment, each address once: a member is
// preferred to a prospect.
func (s *server) receiversOf(ctx context.Context, db pg.DB, c campaign, in people) ([]recipient, error) {
	gone, err := bouncedAmong(ctx, db, nil)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var all []recipient
	for _, kind := range audiences[c.Audience] {
		list, err := listReceivers(ctx, db, kind)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if hash := s.hash(r.email); in.has(r) && !gone[hash] && !seen[hash] {
				seen[hash] = true
				all = append(all, r)
			}
		}
	}
	return all, nil
}

// launch fixes the receivers of a locked campaign, freezes its text and inserts one mail for each
// receiver into the ledger. If there are no receivers, it does nothing.
func (s *server) launch(ctx context.Context, tx pgx.Tx, c campaign, in people) (receivers int, err error) {
	list, err := s.receiversOf(ctx, tx, c, in)
	if err != nil || len(list) == 0 {
		return 0, err
	}

	issues := map[string]int64{}
	for _, kind := range audiences[c.Audience] {
		if issues[kind], err = freeze(ctx, tx, c, kind); err != nil {
			return 0, err
		}
	}
	if err := lockAllQuotas(ctx, tx); err != nil {
		return 0, err
	}

	due, suppressed := paceOf(c.Pace, time.Now()), 0
	for part := range slices.Chunk(list, receiverBatchSize) {
		fresh := make([]newDelivery, len(part))
		for i, to := range part {
			if fresh[i], err = s.newsletterTo(to, c, issues[to.kind], due(to.email)); err != nil {
				return 0, err
			}
		}
		if err := s.suppress(ctx, tx, fresh); err != nil {
			return 0, err
		}
		if err := insertDeliveries(ctx, tx, fresh); err != nil {
			return 0, err
		}
		for _, d := range fresh {
			if d.state == stateSuppressed {
				suppressed++
			}
		}
	}

	return len(list), setReceivers(ctx, tx, c.ID, len(list), suppressed)
}

// paceOf returns when the mail to each further address is due: at most aMinute mails a minute to
// one domain.
func paceOf(aMinute int, from time.Time) func(address string) time.Time {
	before := map[string]int{}
	return func(address string) time.Time {
		if aMinute == 0 {
			return from
		}
		domain := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
		n := before[domain]
		before[domain]++
		return from.Add(time.Duration(n) * time.Minute / time.Duration(aMinute))
	}
}

// newsletterTo is the mail to one receiver. Name, address and the codes of the links are frozen
// with it; whether the receiver still wants it is checked when it is sent.
func (s *server) newsletterTo(to recipient, c campaign, issue int64, due time.Time) (newDelivery, error) {
	m := msg.SendMail{Kind: kindNewsletter, To: []string{to.email}, CreatedAt: time.Now().UTC(),
		Data: map[string]string{"em_cd": c.Code, "recipient": web.ID(to.id),
			"first_name": to.firstName, "code": to.code, "token": to.token}}
	m.Deadline = due.Add(defaultTTL).UTC()
	if to.kind == "member" {
		m.MemberID = to.id
	} else {
		m.ProspectCode = to.code
	}
	d, err := s.ledgerRow(fmt.Sprintf("%s:%s:%s:%d", m.Kind, c.Code, to.kind, to.id), m, marshalCommand(m))
	d.newsletter, d.due = issue, due.UTC()
	return d, err
}

var (
	// errUnwanted is about a mail that is dropped because its receiver has unsubscribed or is gone,
	// or its campaign was stopped.
	errUnwanted = errors.New("the receiver no longer wants it")
	// errPaused is about a mail that waits because its campaign is paused.
	errPaused = errors.New("the newsletter is paused")
)

// writeNewsletter fills a frozen newsletter.
func (s *server) writeNewsletter(ctx context.Context, d *delivery, m msg.SendMail) (content, error) {
	if d.NewsletterID == nil || len(m.To) != 1 {
		return content{}, errors.New("the command names no newsletter")
	}
	n, err := readFrozen(ctx, s.pool, *d.NewsletterID)
	if err != nil {
		return content{}, err
	}

	id, err := strconv.ParseInt(m.Data["recipient"], 10, 64)
	if err != nil {
		return content{}, errors.New("the command names no receiver")
	}
	to, wanted, err := findReceiver(ctx, s.pool, n.Kind, id, m.To[0])
	if err != nil {
		return content{}, err
	}

	gone, err := bouncedAmong(ctx, s.pool, []string{s.hash(m.To[0])})
	switch {
	case err != nil:
		return content{}, err
	case n.State == campaignStopped, !wanted, len(gone) > 0:
		return content{}, errUnwanted
	case n.State == campaignPaused:
		return content{}, errPaused
	}

	to.firstName, to.code, to.token = m.Data["first_name"], m.Data["code"], m.Data["token"]
	return s.fillNewsletter(n, to), nil
}

// testOf is a test of a campaign to one address, filled as for a reader.
func (s *server) testOf(c campaign, reader recipient, address, once string) (newDelivery, content, error) {
	m := msg.SendMail{Kind: kindDraft, To: []string{address}, CreatedAt: time.Now().UTC(),
		Data: map[string]string{"em_cd": c.Code}}
	m.Deadline = m.CreatedAt.Add(defaultTTL)
	says := s.fillNewsletter(c.issue(), reader)
	says.subject, says.emCode, says.unsubscribe = "TEST: "+says.subject, "", ""
	d, err := s.ledgerRow(m.Kind+":"+c.Code+":"+once, m, marshalCommand(m))
	return d, says, err
}

// newsletterFields are the names in braces that may stand in a newsletter.
var newsletterFields = []templateField{
	{"{recipient_first_name}", "first name, or customer"}, {"{shop_link}", "the shop's home page; visits are counted"},
	{"{link_codes}", "counts visits: put it after a ? in your own links"},
	{"{unsubscribe_link}", "unsubscribe link; every newsletter needs it"},
	{"{ENVIRONMENT_DOMAIN}", "the shop's address, for links"},
	{"{shop_name}", "the shop's name"}, {"{contact}", "where answers go"}, {"{msg_subject}", "the subject"},
	{"{em_cd}", "code of this newsletter"}, {"{mb_cd}", "code of the member"}, {"{pr_cd}", "code of the prospect"},
	{"{token}", "a member's token, for links that unsubscribe"},
	{"{pr_token}", "a prospect's token, for links that unsubscribe"},
}

// fillNewsletter fills a newsletter for one receiver.
func (s *server) fillNewsletter(n issue, to recipient) content {
	name := clean(to.firstName)
	if name == "" {
		name = "customer"
	}
	code, token := linkCode(to.code), linkCode(to.token)
	values := map[string]string{
		"ENVIRONMENT_DOMAIN": s.cfg.PublicURL, "recipient_first_name": name, "em_cd": linkCode(n.Code),
		"shop_name": s.shop(), "contact": s.replyTo.Address, "mb_cd": "", "token": "", "pr_cd": "", "pr_token": "",
		"draft_text": "", "draft_html": "", // only old templates name these
	}

	codes := "em_cd=" + values["em_cd"]
	var secret string
	if to.kind == "member" {
		values["mb_cd"], values["token"] = code, token
		codes, secret = codes+"&mb_cd="+code, "&token="+token
	} else {
		values["pr_cd"], values["pr_token"] = code, token
		codes, secret = codes+"&pr_cd="+code, "&pr_token="+token
	}

	values["link_codes"], values["shop_link"] = codes, s.cfg.PublicURL+"/?"+codes
	values["unsubscribe_link"] = s.cfg.PublicURL + "/account/email-unsubscribe?" + codes + secret
	asIs := func(text string) string { return text }
	c := content{subject: fill(n.Subject, values, asIs), emCode: n.Code, unsubscribe: values["unsubscribe_link"],
		campaign: n.Campaign, campaignName: n.Name}
	values["msg_subject"] = c.subject
	c.text, c.html = fill(n.BodyText, values, asIs), fill(n.BodyHTML, values, html.EscapeString)
	c.from, c.bcc = s.senderOf(n.template()), s.bcc(n.template())

	return c
}

// fill replaces the names in braces in one pass, so that braces in the values stay as they are.
func fill(text string, values map[string]string, escape func(string) string) string {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", escape(value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// noReceivers is the reason why a campaign does not start.
const noReceivers = "No one would get it: no such person wants newsletters."

// startScheduled starts the campaigns whose time has come. One that cannot be started does not keep
// back the others.
func (s *server) startScheduled(ctx context.Context, _ *pgxpool.Pool) (started int64, err error) {
	due, err := dueCampaigns(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	for _, c := range due {
		ok, cerr := s.startDue(ctx, c)
		if err = errors.Join(err, cerr); ok {
			started++
			s.wakeSender()
		}
	}
	return started, err
}

// startDue starts a scheduled campaign, unless it was changed or another process has started it in
// the meantime. A campaign without receivers becomes a draft again, with the reason.
func (s *server) startDue(ctx context.Context, c campaign) (started bool, err error) {
	in, err := s.peopleIn(ctx, c)
	if err != nil {
		return false, err
	}
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		started = false
		now, err := lockCampaign(ctx, tx, c.ID)
		if err != nil || now.State != campaignScheduled || now.Version != c.Version {
			return err
		}
		receivers, err := s.launch(ctx, tx, now, in)
		if err != nil {
			return err
		}
		if receivers == 0 {
			s.log.Warn("a campaign did not start, it has no receivers", "campaign", c.ID)
			return refuseStart(ctx, tx, c.ID, noReceivers)
		}
		_, err = moveCampaign(ctx, tx, c.ID, campaignRunning, time.Time{}, c.ChangedBy, campaignScheduled)
		started = true
		return err
	})
	return started && err == nil, err
}
