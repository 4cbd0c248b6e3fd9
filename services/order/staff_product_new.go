package order

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// staffNewProduct shows the form for a new product's title.
func (s *server) staffNewProduct(r *http.Request) (adminui.Answer, error) {
	return newProductPage(newProductForm(), http.StatusOK), nil
}

func newProductForm() adminui.Form {
	return adminui.Form{ID: "product", Action: "/catalog/new", Submit: "Make a draft", Cancel: "/catalog",
		Fields: []adminui.Field{
			{Name: "title", Label: "Title", Kind: "text", MaxLength: maxTitle, Required: true,
				Hint: "Only staff see a draft until you publish it."},
			{Name: "title_url", Label: "Address", Kind: "text", MaxLength: 100, Hint: "Made from the title if empty."},
		}}
}

func newProductPage(form adminui.Form, status int) adminui.Page {
	return adminui.Page{Title: "New product", Template: "catalog-form.html", Status: status, Narrow: true,
		Data: catalogFormPage{Form: form}}
}

// catalogFormPage is a page with one form.
type catalogFormPage struct {
	Errors adminui.FieldErrors `json:"errors,omitempty"`
	Form   adminui.Form        `json:"-"`
}

// identifierLetters is the length of a new product's identifier.
const identifierLetters = 10

// staffCreateProduct makes a draft.
func (s *server) staffCreateProduct(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	edit, wrong := readProductEdit(form, staffProduct{})
	if edit.TitleURL == "" {
		delete(wrong, "title_url")
	}
	identifier := random.Code(identifierLetters)
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			if err := s.makeProduct(r.Context(), tx, identifier, edit, adminui.Who(r).Name); err != nil {
				return err
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogEdit, Kind: "product", Key: identifier,
				Text: "Made the product", After: map[string]any{"title": edit.Title}})
		})
	} else {
		err = wrong
	}

	if refused, ok := errors.AsType[adminui.FieldErrors](err); ok {
		page := newProductPage(newProductForm().WithInput(form).WithErrors(refused), http.StatusUnprocessableEntity)
		return page, nil
	} else if err != nil {
		return nil, err
	}
	return adminui.Done{To: productPath(identifier), Text: "Draft made. Describe it, then publish it."}, nil
}

// makeProduct stores a draft. If no address was chosen it is made from the title, with a number if
// it is taken.
func (s *server) makeProduct(ctx context.Context, tx pgx.Tx, identifier string, e productEdit, by string) error {
	wish := e.TitleURL
	if wish == "" {
		wish = addressOf(e.Title, identifier)
	}
	id, err := insertProduct(ctx, tx, identifier, e.Title, wish, by)
	if err != nil {
		return err
	}
	free, err := takeAddress(ctx, tx, id, wish)
	switch {
	case err != nil:
		return err
	case free:
		return nil
	case e.TitleURL != "":
		return adminui.FieldErrors{"title_url": "Another product has or had this address."}
	}
	wish = wish[:min(len(wish), 80)] + "-" + identifier
	if _, err := takeAddress(ctx, tx, id, wish); err != nil {
		return err
	}
	e.TitleURL, e.Published = wish, false
	return updateProduct(ctx, tx, id, e, by)
}

// plainLetters replace letters that do not decompose into an ASCII letter and its accents.
var plainLetters = strings.NewReplacer("ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "Ae",
	"œ", "oe", "Œ", "Oe", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L",
	"đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i")

// markup matches what looks like a tag of HTML.
var markup = regexp.MustCompile(`</?[A-Za-z][^<>]*>`)

// addressOf makes an address from a title: its letters and digits, as in the shop's own addresses
// (PaperClips), without accents: Löffel is at Loffel.
func addressOf(title, identifier string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(plainLetters.Replace(markup.ReplaceAllString(title, " "))) {
		if r < utf8.RuneSelf && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			out.WriteRune(r)
		}
	}
	if out.Len() == 0 {
		return identifier
	}
	return out.String()[:min(out.Len(), 100)]
}

// staffRetireProduct takes a product off the shop, or brings it back as a draft.
func (s *server) staffRetireProduct(retire bool) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		p, err := s.productFromPath(r)
		if err != nil {
			return nil, err
		}
		done := "It is out of the shop. Orders still show it, and you can bring it back."
		act := adminui.Act{Action: adminui.CatalogEdit, Kind: "product", Key: p.Identifier, Text: "Retired the product"}
		if !retire {
			done, act.Text = "It is a draft again.", "Brought the product back as a draft"
		}
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			changed, err := retireProduct(r.Context(), tx, p.ID, retire, adminui.Who(r).Name)
			if err != nil || !changed {
				return err
			}
			return adminui.Record(r, tx, act)
		})
		if err != nil {
			return nil, err
		}
		s.catalogChanged()
		return adminui.Done{To: productPath(p.Identifier), Text: done}, nil
	}
}
