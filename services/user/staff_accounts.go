package user

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// accountToMerge finds the other account of a person that a form names by address or user name. It
// returns 0 and no refusal if what was named is not an account, or if the customer has none.
func (s *server) accountToMerge(r *http.Request, into customerDetails, named string) (id int64, refusal string,
	err error) {
	if into.Kind != kindMember {
		return 0, "", nil
	}
	found, err := accountsNamed(r.Context(), s.pool, into.ID, strings.TrimSpace(named))
	switch {
	case err != nil || len(found) == 0:
		return 0, "", err
	case !adminui.Who(r).May(adminui.CustomersErase):
		return 0, "This is a member. Owners and managers can merge two accounts.", nil
	case len(found) > 1:
		return 0, "Several accounts have this address: enter the user name.", nil
	}
	return found[0], "", nil
}

// mergePage says what merging two accounts does, before it is done.
type mergePage struct {
	mergePair
	Moving movingRows `json:"moving"`
	// Carried says that the account that stays gets the newsletters that the other one asked for.
	Carried bool `json:"newsletter_carried"`

	Moves []adminui.Detail `json:"-"`
}

// movingRows counts the rows of each kind that would move from one account to another.
type movingRows struct {
	Orders  int64 `json:"orders"`
	Notes   int64 `json:"notes"`
	Chat    int64 `json:"chat_messages"`
	Records int64 `json:"merged_records"`
}

// carriesNews reports whether the account that stays takes over the newsletters that the other one
// asked for: if its address is proved, and its owner has said neither yes nor no.
func carriesNews(into, other customerDetails) bool {
	return other.Newsletter == newsYes && into.Newsletter == newsNo && into.Proved
}

func (s *server) readMergePage(r *http.Request) (p mergePage, err error) {
	kind, id, err := customerKeyFromPath(r)
	if err != nil {
		return p, err
	}
	other, err := adminui.ParamID(r, "other")
	if err != nil {
		return p, err
	}
	if kind != kindMember || other == id {
		return p, web.NotFound()
	}

	if p.mergePair, err = s.readPair(r.Context(), customer{Kind: kindMember, ID: id},
		customer{Kind: kindMember, ID: other}); err != nil {
		return p, err
	}
	if p.Moving, err = countMoving(r.Context(), s.pool, other); err != nil {
		return p, err
	}

	p.Carried = carriesNews(p.Into, p.Other)
	p.IntoFacts, p.OtherFacts = p.Into.mergeFacts(), p.Other.mergeFacts()
	p.Moves = []adminui.Detail{{Label: "Orders", Value: p.Moving.Orders}, {Label: "Bought for", Value: p.Other.Spent},
		{Label: "Addresses", Value: "those of its orders"}, {Label: "Tags", Value: strings.Join(p.Other.Tags, ", ")},
		{Label: "Notes", Value: p.Moving.Notes}, {Label: "Written in the chat", Value: p.Moving.Chat},
		{Label: "Records merged into it", Value: p.Moving.Records},
		{Label: "Newsletter", Value: map[bool]string{true: "asked for: goes to the address that stays",
			false: "as set on the account that stays"}[p.Carried]}}

	p.Form = p.form(mergePath(p.Into, other), "Merge, and close "+p.Other.Username)
	return p, nil
}

func mergePath(into customerDetails, other int64) string {
	return into.path("accounts", web.ID(other))
}

// mergeFacts are the details that tell two accounts apart.
func (c customerDetails) mergeFacts() []adminui.Detail {
	return []adminui.Detail{{Label: "User name", Value: c.Username}, {Label: "Name", Value: c.Name},
		{Label: "E-mail", Value: c.Email}, {Label: "Proved", Value: yes(c.Proved)},
		{Label: "Newsletter", Value: newsBadge(c.Newsletter)}, {Label: "Orders", Value: c.Orders},
		{Label: "Last order", Value: c.LastOrder}, {Label: "Last login", Value: c.LastLogin},
		{Label: "Since", Value: c.Since}}
}

func (p mergePage) answer(status int) adminui.Page {
	return adminui.Page{Title: "Merge two accounts", Template: "merge.html", Data: p, Status: status}
}

// refusal says why two accounts cannot be merged.
func (p mergePage) refusal() string {
	switch {
	case p.Into.mergedInto() != "":
		return mergedItself
	case p.Other.mergedInto() != "":
		return "This account has already been merged."
	}
	return ""
}

// staffAccountMergePreview shows what would be merged.
func (s *server) staffAccountMergePreview(r *http.Request) (adminui.Answer, error) {
	p, err := s.readMergePage(r)
	if err != nil {
		return nil, err
	}
	p.Form.Problem = p.refusal()
	return p.answer(http.StatusOK), nil
}

// staffMergeAccounts merges another account of a person into this one, and closes it: exactly as
// the page showed the two, or not at all.
func (s *server) staffMergeAccounts(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.readMergePage(r)
	if err != nil {
		return nil, err
	}
	other, err := p.shown(form)
	if err != nil {
		return nil, err
	}

	if p.Form.Problem = p.refusal(); p.Form.Problem != "" {
		return p.answer(http.StatusUnprocessableEntity), nil
	}
	unusableHash, err := s.hasher.hash(r.Context(), random.Code(40))
	if err != nil {
		return nil, err
	}

	m := merging{
		into:         p.Into.ID,
		other:        p.Other.ID,
		intoVersion:  form.Version,
		otherVersion: other,
		unusableHash: unusableHash,
	}
	moved, err := s.mergeAccounts(r, m)
	if errors.Is(err, adminui.ErrStale) {
		if p, err = s.readMergePage(r); err != nil {
			return nil, err
		}
		if p.Form.Problem = p.refusal(); p.Form.Problem == "" {
			p.Form.Problem = "One of the accounts was changed in the meantime. This is how they are now."
		}
		return p.answer(http.StatusConflict), nil
	}
	if err != nil {
		return nil, err
	}

	s.outbox.Await(r.Context(), msg.OrderUser, moved.Key) // the customer's page links to the orders
	return adminui.Done{To: p.Into.path(), Text: "Merged. The other account is closed."}, nil
}

// merging is two accounts to merge, each with the version that was shown.
type merging struct {
	into, other               int64
	intoVersion, otherVersion int64
	unusableHash              string // the password of the closed account
}

// mergeAccounts merges in one transaction, with which all services are told what they have to do.
func (s *server) mergeAccounts(r *http.Request, m merging) (moved msg.Message, err error) {
	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		into, other, err := lockPair(ctx, tx, m)
		if err != nil {
			return err
		}
		messages, err := moveAccount(ctx, tx, into, other, m.unusableHash)
		if err != nil {
			return err
		}

		moved = msg.Message{
			Key:     fmt.Sprintf("%s:%d", msg.UserMerged, m.other),
			Subject: msg.UserMerged,
			Payload: msg.Merged{MemberID: m.other, Into: m.into, At: time.Now().UTC()},
		}
		if err := bus.Enqueue(ctx, tx, append(messages, moved)...); err != nil {
			return err
		}

		to, from := customerKey(kindMember, m.into), customerKey(kindMember, m.other)
		text := "Merged " + from + " into " + to
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CustomersErase, Kind: "customer", Key: to, Text: text},
			adminui.Act{Action: adminui.CustomersErase, Kind: "customer", Key: from, Text: text})
	})
	return moved, err
}

// lockPair keeps two accounts as they are until tx ends, locking in the order of their ids. It
// returns ErrStale if one has changed since it was shown.
func lockPair(ctx context.Context, tx pgx.Tx, m merging) (into, other account, err error) {
	locked := map[int64]account{}
	for _, id := range []int64{min(m.into, m.other), max(m.into, m.other)} {
		a, found, err := lockAccount(ctx, tx, id)
		if err != nil {
			return into, other, err
		}
		if found {
			locked[id] = a
		}
	}
	into, other = locked[m.into], locked[m.other]
	if into.Version != m.intoVersion || other.Version != m.otherVersion {
		return into, other, adminui.ErrStale
	}
	return into, other, nil
}

// moveAccount hands what an account has to another one, and closes it.
func moveAccount(ctx context.Context, tx pgx.Tx, into, other account, unusableHash string) ([]msg.Message, error) {
	carried := other.Newsletter && !other.Unsubscribed && !into.Newsletter && !into.Unsubscribed && into.EmailVerified
	proved := other.EmailVerified && !strings.EqualFold(other.Email, into.Email)

	if err := moveRows(ctx, tx, other.ID, into.ID); err != nil {
		return nil, err
	}
	for _, kind := range []string{codeVerify, codeReset} {
		if err := voidCodes(ctx, tx, other.ID, kind); err != nil {
			return nil, err
		}
	}

	other, into, err := closeAccount(ctx, tx, other.ID, into.ID, unusableHash, carried)
	if err != nil {
		return nil, err
	}
	if carried {
		if err := insertConsents(ctx, tx, consent{
			MemberID: into.ID,
			What:     "newsletter",
			Given:    true,
			Source:   "merged by staff, from member " + web.ID(other.ID),
		}); err != nil {
			return nil, err
		}
	}

	messages := append([]msg.Message{other.event(msg.UserPreferencesChanged), other.credentialsChanged(""),
		into.event(msg.UserPreferencesChanged)}, mergedMails(into, other, proved)...)
	if proved {
		p, made, err := mergeFormerAddress(ctx, tx, other, into.ID)
		if err != nil {
			return nil, err
		}
		if made {
			messages = append(messages, p.event())
		}
	}

	more, err := oneNewsletter(ctx, tx, into)
	return append(messages, more...), err
}

// mergedMails tell the owner of two accounts which one is left, at the address of each. proved says
// that the closed account had another, proved address.
func mergedMails(into, closed account, proved bool) []msg.Message {
	about := map[string]string{"closed_username": closed.Username}
	mails := []msg.Message{into.atProved().mail(msg.MailAccountsMerged, fmt.Sprintf("%d:kept", closed.ID),
		noticeMailTTL, about)}
	if proved {
		to := into
		to.Email, to.EmailVerified = closed.Email, true
		mails = append(mails, to.mail(msg.MailAccountsMerged, fmt.Sprintf("%d:closed", closed.ID), noticeMailTTL,
			about))
	}
	return mails
}

// mergeFormerAddress adds the address of a closed account to the customer as a merged prospect, so
// that orders under it still count. made says that there was no such prospect.
func mergeFormerAddress(ctx context.Context, tx pgx.Tx, closed account, into int64) (p prospect, made bool, err error) {
	if err := lockAddress(ctx, tx, closed.Email); err != nil {
		return p, false, err
	}
	if taken, err := addressOfMember(ctx, tx, closed.Email); err != nil || taken {
		return p, false, err
	}
	p, made, err = addProspect(ctx, tx, newProspect{
		Email:     closed.Email,
		FirstName: closed.FirstName,
		LastName:  closed.LastName,
		Source:    sourceStaff,
		Note:      fmt.Sprintf("Was the address of member %d, merged into member %d.", closed.ID, into),
	})
	if err != nil {
		return p, false, err
	}
	return p, made, markMerged(ctx, tx, closed.Email, into)
}

// oneNewsletter ends the newsletters of the records that were merged into an account's: a person
// gets one, or none.
func oneNewsletter(ctx context.Context, tx pgx.Tx, a account) ([]msg.Message, error) {
	if a.Unsubscribed {
		return refuseMerged(ctx, tx, customer{Kind: kindMember, ID: a.ID})
	}
	if !a.Newsletter {
		return nil, nil
	}
	quiet, err := quietMerged(ctx, tx, a.ID)
	if err != nil {
		return nil, err
	}
	var consents []consent
	for _, p := range quiet {
		consents = append(consents, consent{ProspectID: p.ID, What: "newsletter", Source: "merged by staff"})
	}
	return prospectEvents(quiet), insertConsents(ctx, tx, consents...)
}
