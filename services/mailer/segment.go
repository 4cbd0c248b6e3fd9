package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// askBatchSize is about how many people one request to an owner names.
	askBatchSize = 1000
	// ownerTimeout bounds a request to an owner.
	ownerTimeout = 10 * time.Second
)

// segment narrows the audience of a campaign: all of its conditions hold for each receiver.
type segment struct {
	Bought    string       `json:"bought,omitempty"`
	IdleDays  int          `json:"idle_days,omitempty"`
	SpentOver *money.Cents `json:"spent_over,omitempty"`
	Tag       string       `json:"tag,omitempty"`
}

// buys reports whether the segment has conditions about orders.
func (s segment) buys() bool { return s.Bought != "" || s.IdleDays > 0 || s.SpentOver != nil }

// words describe the segment to staff; "" for everybody.
func (s segment) words() string {
	var words []string
	if s.Bought != "" {
		words = append(words, "bought "+s.Bought)
	}
	if s.IdleDays > 0 {
		words = append(words, fmt.Sprintf("bought nothing for %d days", s.IdleDays))
	}
	if s.SpentOver != nil {
		words = append(words, "spent more than "+s.SpentOver.String())
	}
	if s.Tag != "" {
		words = append(words, "has the tag "+s.Tag)
	}
	return strings.Join(words, ", ")
}

// person identifies one of the recipients.
type person struct {
	kind string
	id   int64
}

// people are those who meet a segment's conditions; nil is everybody.
type people map[person]bool

func (p people) has(r recipient) bool { return p == nil || p[person{r.kind, r.id}] }

// owners are the services that know what a segment asks for.
type owners struct{ user, order *web.Owner }

func findOwners(cfg Config, log *slog.Logger) (o owners, err error) {
	var secure *tls.Config
	if files := cfg.InsideFiles(); files.Given() {
		if secure, err = files.Client(); err != nil {
			return o, fmt.Errorf("TLS_CERT, TLS_KEY, TLS_CA: %w", err)
		}
	}
	user, uerr := web.ParseAddresses("USER_URL", cfg.UserURL)
	order, oerr := web.ParseAddresses("ORDER_URL", cfg.OrderURL)
	if err := errors.Join(uerr, oerr); err != nil {
		return o, err
	}
	return owners{web.NewOwner(log, "user", user, secure, ownerTimeout),
		web.NewOwner(log, "order", order, secure, ownerTimeout)}, nil
}

// ask sends an owner a request under mailer's own key.
func (s *server) ask(ctx context.Context, owner *web.Owner, path string, form url.Values, out any) error {
	return owner.Call(ctx, web.Call{Method: http.MethodPost, Path: path, Form: form,
		Key: s.cfg.Key(boot.MailerKey)}, out)
}

// peopleIn lists the people of a campaign's audience who are in its segment now. It calls the
// owners outside of any transaction, so that a slow or unavailable owner holds up only its own
// caller.
func (s *server) peopleIn(ctx context.Context, c campaign) (people, error) {
	if c.segment == (segment{}) {
		return nil, nil
	}

	var left []recipient
	for _, kind := range audiences[c.Audience] {
		list, err := listReceivers(ctx, s.pool, kind)
		if err != nil {
			return nil, err
		}
		left = append(left, list...)
	}

	in := people{}
	for part := range slices.Chunk(left, askBatchSize) {
		var err error
		if c.buys() {
			if part, err = s.buyersAmong(ctx, c.segment, part); err != nil {
				return nil, err
			}
		}
		if c.Tag != "" && len(part) > 0 {
			if part, err = s.taggedAmong(ctx, c.Tag, part); err != nil {
				return nil, err
			}
		}
		for _, r := range part {
			in[person{r.kind, r.id}] = true
		}
	}

	return in, nil
}

// buyersAmong asks order which of the people meet the conditions about orders.
func (s *server) buyersAmong(ctx context.Context, seg segment, list []recipient) ([]recipient, error) {
	form := url.Values{"product": {seg.Bought}, "idle_days": {strconv.Itoa(seg.IdleDays)}}
	if seg.SpentOver != nil {
		form.Set("spent_over", strconv.FormatInt(int64(*seg.SpentOver), 10))
	}

	for _, r := range list {
		if r.kind == "member" {
			form.Add("member", web.ID(r.id))
		} else {
			form.Add("address", r.email)
		}
	}

	var found struct {
		Members   []int64  `json:"members"`
		Addresses []string `json:"addresses"`
	}
	if err := s.ask(ctx, s.owners.order, "/internal/buyers-among", form, &found); err != nil {
		return nil, err
	}

	members, addresses := setOf(found.Members), setOf(found.Addresses)
	return slices.DeleteFunc(slices.Clone(list), func(r recipient) bool {
		if r.kind == "member" {
			return !members[r.id]
		}
		return !addresses[email.Key(r.email)]
	}), nil
}

// taggedAmong asks user which of the people have the tag.
func (s *server) taggedAmong(ctx context.Context, tag string, list []recipient) ([]recipient, error) {
	form := url.Values{"tag": {tag}}
	for _, r := range list {
		form.Add(r.kind, web.ID(r.id))
	}
	var found struct {
		Members   []int64 `json:"members"`
		Prospects []int64 `json:"prospects"`
	}
	if err := s.ask(ctx, s.owners.user, "/internal/tagged-among", form, &found); err != nil {
		return nil, err
	}
	of := map[string]map[int64]bool{"member": setOf(found.Members), "prospect": setOf(found.Prospects)}
	return slices.DeleteFunc(slices.Clone(list), func(r recipient) bool { return !of[r.kind][r.id] }), nil
}

func setOf[T comparable](list []T) map[T]bool {
	set := make(map[T]bool, len(list))
	for _, one := range list {
		set[one] = true
	}
	return set
}

// fields are the segment's fields in a campaign's form.
func (s segment) fields() []adminui.Field {
	idle, spent := "", ""
	if s.IdleDays > 0 {
		idle = strconv.Itoa(s.IdleDays)
	}
	if s.SpentOver != nil {
		spent = s.SpentOver.String()
	}
	return []adminui.Field{
		{Name: "bought", Label: "Only people who bought", Kind: "text", Value: s.Bought, MaxLength: maxBought,
			Hint: "A product's identifier, or a SKU's number or code."},
		{Name: "idle_days", Label: "Only people who bought, but not in the last days", Kind: "number",
			Value: idle, MaxLength: 4},
		{Name: "spent_over", Label: "Only people who spent more than", Kind: "money", Value: spent, MaxLength: 11,
			Hint: "In total, less refunds; 0 means every customer."},
		{Name: "tag", Label: "Only people with the tag", Kind: "text", Value: s.Tag, MaxLength: maxTag},
	}
}

const (
	maxBought   = 100 // characters, as of a SKU's code
	maxTag      = 40
	maxIdleDays = 3650 // days
)

// typedSegment is the segment in a posted form; wrong names its invalid fields.
func typedSegment(form adminui.PostedForm, wrong adminui.FieldErrors) (s segment) {
	s.Bought, s.Tag = strings.TrimSpace(form.Get("bought")), strings.TrimSpace(form.Get("tag"))
	if utf8.RuneCountInString(s.Bought) > maxBought {
		wrong["bought"] = "This identifier is too long."
	}
	if utf8.RuneCountInString(s.Tag) > maxTag {
		wrong["tag"] = "This tag is too long."
	}
	if text := strings.TrimSpace(form.Get("idle_days")); text != "" {
		var err error
		if s.IdleDays, err = strconv.Atoi(text); err != nil || s.IdleDays < 1 || s.IdleDays > maxIdleDays {
			wrong["idle_days"] = fmt.Sprintf("A number from 1 to %d, or leave it empty.", maxIdleDays)
		}
	}
	if text := strings.TrimSpace(form.Get("spent_over")); text != "" {
		cents, err := money.Parse(text)
		if s.SpentOver = &cents; err != nil || cents < 0 {
			wrong["spent_over"] = "An amount such as 100 or 99.50, or leave it empty."
		}
	}
	return s
}

// checkKnown asks whether the SKU and the tag of a segment exist: a typo would leave a campaign
// without receivers.
func (s *server) checkKnown(ctx context.Context, seg segment, wrong adminui.FieldErrors) {
	check := func(field, owner string, at *web.Owner, path, none string, form url.Values) {
		var answer struct {
			Known bool `json:"known"`
		}
		switch err := s.ask(ctx, at, path, form, &answer); {
		case err != nil:
			s.log.WarnContext(ctx, "a segment cannot be checked", "error", err)
			wrong[field] = "The service " + owner + " is not answering just now. Please try again."
		case !answer.Known:
			wrong[field] = none
		}
	}
	if seg.Bought != "" && wrong["bought"] == "" {
		check("bought", "order", s.owners.order, "/internal/buyers-among", "There is no such product or SKU.",
			url.Values{"product": {seg.Bought}})
	}
	if seg.Tag != "" && wrong["tag"] == "" {
		check("tag", "user", s.owners.user, "/internal/tagged-among", "No customer was ever given this tag.",
			url.Values{"tag": {seg.Tag}})
	}
}
