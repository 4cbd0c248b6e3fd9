package user

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// recordPage says what merging a prospect's record does, before it is done: a slip of one letter in
// the address would join two people permanently.
type recordPage struct {
	mergePair
	// Quiet says that the record's address no longer gets newsletters: the customer gets them, or
	// wants none.
	Quiet bool `json:"newsletter_ends"`
}

// staffMerge leads to the page that shows what merging does with the record or account that a form
// names by address or user name.
func (s *server) staffMerge(r *http.Request) (adminui.Answer, error) {
	page, form, err := s.readAct(r)
	if err != nil {
		return nil, err
	}
	into := page.Customer
	to, refusal, err := s.toMerge(r, into, form.Get("other"))
	switch {
	case err != nil:
		return nil, err
	case refusal != "":
		page.Merge = page.Merge.WithInput(form).WithErrors(adminui.FieldErrors{"other": refusal})
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	return adminui.Done{To: to}, nil
}

// toMerge returns the path of the page that merges what a form names into a customer's record, or
// why it cannot be merged.
func (s *server) toMerge(r *http.Request, into customerDetails, name string) (to, refusal string, err error) {
	if into.mergedInto() != "" {
		return "", mergedItself, nil
	}

	account, refusal, err := s.accountToMerge(r, into, name)
	switch {
	case err != nil || refusal != "":
		return "", refusal, err
	case account != 0:
		return mergePath(into, account), "", nil
	}

	ctx, address := r.Context(), normalEmail(strings.TrimSpace(name))
	id, found, err := prospectOfAddress(ctx, s.pool, address)
	if err != nil {
		return "", "", err
	}
	if !found {
		member, err := addressOfMember(ctx, s.pool, address)
		return "", map[bool]string{true: isMember, false: "No prospect has this address."}[member], err
	}

	record, err := findCustomer(ctx, s.pool, kindProspect, id)
	if err != nil {
		return "", "", err
	}
	refusal, err = mayMerge(ctx, s.pool, into, record)
	return recordPath(into, id), refusal, err
}

func (s *server) readRecordPage(r *http.Request) (p recordPage, err error) {
	kind, id, err := customerKeyFromPath(r)
	if err != nil {
		return p, err
	}
	other, err := adminui.ParamID(r, "record")
	if err != nil {
		return p, err
	}
	if p.mergePair, err = s.readPair(r.Context(), customer{Kind: kind, ID: id},
		customer{Kind: kindProspect, ID: other}); err != nil {
		return p, err
	}
	p.Quiet = p.Other.Newsletter == newsYes && p.Into.Newsletter != newsNo
	p.IntoFacts, p.OtherFacts = p.Into.recordFacts(), p.Other.recordFacts()
	p.Form = p.form(recordPath(p.Into, other), "Merge "+p.Other.Email)
	return p, nil
}

func recordPath(into customerDetails, other int64) string {
	return into.path("records", web.ID(other))
}

// recordFacts are the details that tell people apart, one of whom may have no account.
func (c customerDetails) recordFacts() []adminui.Detail {
	return []adminui.Detail{{Label: "Kind", Value: adminui.Badge{Text: c.Kind}}, {Label: "Name", Value: c.Name},
		{Label: "E-mail", Value: c.Email}, {Label: "Phone", Value: c.Phone},
		{Label: "Newsletter", Value: newsBadge(c.Newsletter)}, {Label: "Orders", Value: c.Orders},
		{Label: "Bought for", Value: c.Spent}, {Label: "Last order", Value: c.LastOrder},
		{Label: "Tags", Value: strings.Join(c.Tags, ", ")}, {Label: "Since", Value: c.Since}}
}

func (p recordPage) answer(status int) adminui.Page {
	return adminui.Page{Title: "Merge a record", Template: "merge-record.html", Data: p, Status: status}
}

// refuse says on the page why its records cannot be merged, if they cannot.
func (s *server) refuse(ctx context.Context, p *recordPage) (err error) {
	p.Form.Problem, err = mayMerge(ctx, s.pool, p.Into, p.Other)
	return err
}

// staffRecordMergePreview shows what would be merged.
func (s *server) staffRecordMergePreview(r *http.Request) (adminui.Answer, error) {
	p, err := s.readRecordPage(r)
	if err != nil {
		return nil, err
	}
	return p.answer(http.StatusOK), s.refuse(r.Context(), &p)
}

// staffMergeRecord makes a prospect's record part of a customer's: exactly as the page showed the
// two, or not at all.
func (s *server) staffMergeRecord(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.readRecordPage(r)
	if err != nil {
		return nil, err
	}
	other, err := p.shown(form)
	if err != nil {
		return nil, err
	}

	shown := p
	shown.Into.Version, shown.Other.Version = form.Version, other
	refusal := ""
	merge := func(ctx context.Context, tx pgx.Tx) (messages []msg.Message, err error) {
		messages, refusal, err = mergeInto(ctx, tx, shown.Into, shown.Other)
		return messages, err
	}

	switch err = s.act(r, p.Into.customer, "Merged another record into", merge); {
	case errors.Is(err, adminui.ErrStale):
		if p, err = s.readRecordPage(r); err != nil {
			return nil, err
		}
		p.Form.Problem = "One of the records was changed in the meantime. This is how they are now."
		return p.answer(http.StatusConflict), nil
	case err != nil:
		return nil, err
	case refusal != "":
		p.Form.Problem = refusal
		return p.answer(http.StatusUnprocessableEntity), nil
	}
	return adminui.Done{To: p.Into.path(), Text: "Merged."}, nil
}

const (
	// mergedItself refuses to merge into a record that was merged itself.
	mergedItself = "This record has itself been merged: go to the one it is part of."
	// isMember refuses to merge an account as if it were a prospect's record.
	isMember = "This is a member. Start on the page of the account you want to keep."
)

// mergeInto makes a prospect's record part of a customer's, each in the version that was shown.
// refusal says why it cannot; it is "" if it was done. ErrStale means that one has changed since it
// was shown.
func mergeInto(ctx context.Context, tx pgx.Tx, into, other customerDetails) (messages []msg.Message, refusal string,
	err error) {
	refused, err := lockForMerge(ctx, tx, into, other)
	if err != nil {
		return nil, "", err
	}

	now := [2]customerDetails{}
	for i, c := range []customerDetails{into, other} {
		if now[i], err = findCustomer(ctx, tx, c.Kind, c.ID); err != nil {
			return nil, "", err
		}
	}
	if refusal, err = mayMerge(ctx, tx, now[0], now[1]); err != nil || refusal != "" {
		return nil, refusal, cmp.Or(err, errUnchanged)
	}
	if now[0].Version != into.Version || now[1].Version != other.Version {
		return nil, "", adminui.ErrStale
	}

	p, _, err := mergeProspect(ctx, tx, other.ID, into.customer, refused || now[0].Newsletter == newsYes)
	if err != nil {
		return nil, "", err
	}
	if err := insertConsents(ctx, tx, consent{
		ProspectID: p.ID,
		What:       "newsletter",
		Given:      !p.Unsubscribed,
		Source:     "merged by staff",
	}); err != nil {
		return nil, "", err
	}
	changed, err := changedEvent(ctx, tx, into.customer)
	if err != nil {
		return nil, "", err
	}

	messages = append(changed, p.event())
	if refused {
		events, err := refuseMerged(ctx, tx, into.customer)
		return append(messages, events...), "", err
	}
	return messages, "", nil
}

// lockForMerge keeps a customer and a prospect's record as they are until tx ends: it locks
// accounts before prospects, and prospects in the order of their ids. refused says that the
// customer wants no newsletters.
func lockForMerge(ctx context.Context, tx pgx.Tx, into, other customerDetails) (refused bool, err error) {
	ids := []int64{other.ID}
	if into.Kind == kindMember {
		a, _, err := lockAccount(ctx, tx, into.ID)
		if err != nil {
			return false, err
		}
		refused = a.Unsubscribed
	} else {
		ids = []int64{min(into.ID, other.ID), max(into.ID, other.ID)}
	}

	if err := lockAddress(ctx, tx, other.Email); err != nil {
		return false, err
	}
	for _, id := range ids {
		p, _, err := lockProspectByID(ctx, tx, id)
		if err != nil {
			return false, err
		}
		if into.Kind == kindProspect && id == into.ID {
			refused = p.refused()
		}
	}
	return refused, nil
}

// mayMerge says why a prospect's record cannot become part of a customer's; "" if it can.
func mayMerge(ctx context.Context, db pg.DB, into, other customerDetails) (string, error) {
	member, err := addressOfMember(ctx, db, other.Email)
	own := into.Kind == kindMember && strings.EqualFold(into.Email, other.Email) // from before they registered
	switch {
	case err != nil:
		return "", err
	case into.mergedInto() != "":
		return mergedItself, nil
	case member && !own:
		return isMember, nil
	case into.Kind == kindProspect && into.ID == other.ID:
		return "This is the same record.", nil
	case other.mergedInto() != "":
		return "This record has already been merged.", nil
	}
	return "", nil
}
