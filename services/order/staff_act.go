package order

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// staffFormPage is a page with one form about an order.
type staffFormPage struct {
	Order  staffOrderPage      `json:"order"`
	Errors adminui.FieldErrors `json:"errors,omitempty"` // by field; "" is about the whole form
	Says   string              `json:"says"`             // result of an act that was only tried
	Form   adminui.Form        `json:"-"`
	Title  string              `json:"-"`

	methods []shippingMethod
	parcel  string // the parcel that the path names
}

// orderForm is an act on an order that is performed by a form.
type orderForm struct {
	title string
	// form makes the form, filled in from the current order.
	form func(p staffFormPage) adminui.Form
	// theirs are the current values of fields that another person may have changed; nil if there
	// are none.
	theirs func(p staffFormPage) map[string]string
	// noVersion marks a form that does not change the order, and so needs no version of it.
	noVersion bool
}

// orderAct performs the act of a form, and says what was done.
type orderAct func(r *http.Request, on Order, form adminui.PostedForm) (done string, err error)

// comesTo is the error of an act that was only tried: it says what the result would be.
type comesTo struct{ text string }

// Error implements error.
func (c *comesTo) Error() string { return c.text }

// ask is the handler that shows a form.
func (s *server) ask(f orderForm) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		p, err := s.formPage(r, f)
		if err != nil {
			return nil, err
		}
		return f.page(p, http.StatusOK), nil
	}
}

// formPage reads what a form is about, and makes the form.
func (s *server) formPage(r *http.Request, f orderForm) (p staffFormPage, err error) {
	p.Title, p.parcel = f.title, adminui.Param(r, "parcel")
	if p.Order, err = s.readStaffOrder(r); err != nil {
		return p, err
	}
	if p.methods, err = activeShippingMethods(r.Context(), s.pool); err != nil {
		return p, err
	}
	p.Form = f.form(p)
	p.Form.Version, p.Form.Cancel = int64(p.Order.Version), "/orders/"+p.Order.Identifier
	return p, nil
}

func (f orderForm) page(p staffFormPage, status int) adminui.Page {
	return adminui.Page{Title: f.title + " · " + p.Order.Identifier, Template: "order-form.html", Data: p,
		Status: status, Narrow: true}
}

// do is the handler that takes a form. If the act is refused, the form is shown again with
// everything that was typed and the reason.
func (s *server) do(f orderForm, act orderAct) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		form, err := adminui.ReadForm(r)
		if err != nil {
			return nil, err
		}

		if !f.noVersion { // without a version, a form that is sent twice would be two acts
			if err := form.CheckVersion(1, math.MaxInt32); err != nil {
				return nil, err
			}
		}
		on := Order{Identifier: adminui.Param(r, "identifier"), Version: int(form.Version)}
		done, err := act(r, on, form)
		if err == nil {
			return adminui.Done{To: "/orders/" + on.Identifier, Text: done}, nil
		}

		refusal, refused := errors.AsType[*Refusal](err)
		worth, tried := errors.AsType[*comesTo](err)
		if errors.Is(err, ErrUnknownOrder) {
			return nil, web.NotFound()
		} else if errors.Is(err, ErrNoVersion) {
			return nil, web.BadRequest("version")
		} else if !refused && !tried && !errors.Is(err, adminui.ErrStale) {
			return nil, err
		}

		p, err := s.formPage(r, f)
		if err != nil {
			return nil, err
		}

		p.Form = p.Form.WithInput(form)
		if tried {
			p.Says, p.Form.Says = worth.text, worth.text
			return f.page(p, http.StatusOK), nil
		}
		if refused {
			p.Errors = adminui.FieldErrors{refusal.Field: refusal.Text}
			p.Form = p.Form.WithErrors(p.Errors)
			return f.page(p, http.StatusUnprocessableEntity), nil
		}

		p.Errors = adminui.FieldErrors{"": textStale}
		p.Form = f.conflict(p)
		return f.page(p, http.StatusConflict), nil
	}
}

// conflict shows what another person did in the meantime.
func (f orderForm) conflict(p staffFormPage) adminui.Form {
	by, at := "Another person", time.Now()
	if last := p.Order.last; last.at != nil && last.what != "" {
		by, at = last.by+" ("+strings.ToLower(last.what[:1])+last.what[1:]+")", *last.at
	}
	var theirs map[string]string
	if f.theirs != nil {
		theirs = f.theirs(p)
	}
	return p.Form.Conflict(int64(p.Order.Version), by, at.UTC().Format("15:04 UTC"), theirs)
}

// noteOrder is a note to an order.
var noteOrder = orderForm{
	title: "Note", noVersion: true, form: func(p staffFormPage) adminui.Form { return noteForm(p.Order) },
}

// noteForm makes the form for a note.
func noteForm(p staffOrderPage) adminui.Form {
	form := adminui.Form{ID: "note", Action: "/orders/" + p.Identifier + "/notes", Submit: "Add note",
		Fields: []adminui.Field{{Name: "text", Label: "Note", Kind: "multiline", MaxLength: maxStaffNote,
			Required: true}}}
	if p.Customer.Email != "" {
		form.Fields = append(form.Fields, adminui.Field{Name: "mail", Label: "Mail it to the customer", Kind: "check"})
	}
	return form
}

// maxStaffNote is the length of a note to an order, in characters.
const maxStaffNote = 2000

// addNote stores a note, and mails it if that is wanted. A note does not change the order, so it
// leaves other people's forms valid. The same text by the same person within a few minutes is one
// note: a form that is sent twice mails once.
func (s *server) addNote(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	words := pg.StorableText(strings.TrimSpace(form.Text("text")), 0)
	switch {
	case words == "":
		return "", refuseAct("text", "Write something.")
	case utf8.RuneCountInString(words) > maxStaffNote:
		return "", refuseAct("text", "A note has at most %d characters.", maxStaffNote)
	}

	mail, done := form.Get("mail") != "", "Note added."
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		o, found, err := lockOrder(r.Context(), tx, on.Identifier)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrUnknownOrder
		case mail && pg.Text(o.Email) == "":
			return refuseAct("mail", "There is no address to mail to.")
		}
		id, fresh, err := insertNote(r.Context(), tx, o.ID, words, mail, adminui.Who(r))
		if err != nil {
			return err
		}

		if mail {
			done = "Mailed it to the customer."
		}
		if !fresh {
			return nil
		}

		act := adminui.Act{Action: adminui.OrdersEdit, Kind: "order", Key: o.Identifier, Text: "Added a note"}
		if mail {
			act.Text = "Wrote to the customer"
			if err := mailNote(r, tx, o, id, words); err != nil {
				return err
			}
		}
		return adminui.Record(r, tx, act)
	})
	return done, err
}

// mailNote enqueues the mail with a note.
func mailNote(r *http.Request, tx pgx.Tx, o deskOrder, note int64, words string) error {
	orders, err := ordersToMail(r.Context(), tx, []int64{o.ID})
	if err != nil {
		return err
	}
	lines, err := orderLines(r.Context(), tx, o.ID)
	if err != nil {
		return err
	}
	m := orders[o.ID].mail(msg.MailOrderNote, lines)
	m.Note = words
	return bus.Enqueue(r.Context(), tx, msg.Message{Key: fmt.Sprintf("%s:%s:%d", m.Kind, o.Identifier, note),
		Subject: msg.MailSubject(m.Kind), Payload: m})
}

// moveForm gives an order another status.
var moveForm = orderForm{title: "Status", form: func(p staffFormPage) adminui.Form { return statusForm(p.Order) }}

// statusForm makes the form for another status; shipped, canceled and refunded are set by acts of
// their own.
func statusForm(p staffOrderPage) adminui.Form {
	form := adminui.Form{ID: "status", Action: "/orders/" + p.Identifier + "/status", Submit: "Move",
		Version: int64(p.Version)}
	field := adminui.Field{Name: "status", Label: "Move to", Kind: "choice"}
	for _, m := range p.Moves {
		if m.At == nil && !endsAnOrder(m.Identifier) {
			field.Options = append(field.Options, adminui.Option{Value: m.Identifier, Text: m.Title})
		}
	}
	if len(field.Options) > 0 && p.CanceledAt == nil {
		form.Fields = []adminui.Field{field}
	}
	return form
}

// endsAnOrder reports whether a status is set by an act of its own.
func endsAnOrder(status string) bool {
	return status == statusShipped || status == statusCanceled || status == statusRefunded
}

func (s *server) moveOrder(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	status := form.Get("status")
	if status == statusShipped {
		return "", refuseAct("status", "Send a parcel instead.")
	}
	return "Moved to " + status + ".", s.desk.Move(r.Context(), adminui.Who(r), on, status, "")
}

// readPieces reads how many pieces of each line a form wants: fields line-0, line-1, …
func readPieces(form adminui.PostedForm, lines []staffLine) (pieces []Pieces, err error) {
	for _, l := range lines {
		name := lineField(l.Seq)
		typed := strings.TrimSpace(form.Get(name))
		if typed == "" || typed == "0" {
			continue
		}
		n, err := strconv.Atoi(typed)
		if err != nil || n < 0 {
			return nil, refuseAct(name, "Enter a whole number.")
		}
		pieces = append(pieces, Pieces{Seq: l.Seq, Quantity: n})
	}
	return pieces, nil
}

func lineField(seq int) string { return "line-" + strconv.Itoa(seq) }
