package order

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// staffCollection is a collection in the list for staff.
type staffCollection struct {
	ID       int64  `json:"-"`
	Address  string `json:"address"`
	Title    string `json:"title"`
	Text     string `json:"text"`
	Position int    `json:"position"`
	Version  int64  `json:"version"`
	Products int64  `json:"products"`
}

// path is the collection's page.
func (c staffCollection) path() string { return "/catalog/collections/" + c.Address }

// collectionMember is a product of a collection.
type collectionMember struct {
	Identifier string `json:"identifier"`
	Title      string `json:"title"`
	State      string `json:"state"`
	Position   int    `json:"position"`
	Error      string `json:"-" db:"-"`
	Typed      string `json:"-" db:"-"`
}

// Badge is the product's state.
func (m collectionMember) Badge() adminui.Badge { return productBadge(m.State) }

// Field is the name of the field for its place.
func (m collectionMember) Field() string { return "position-" + m.Identifier }

// Value is its place as it stands in the form.
func (m collectionMember) Value() string {
	if m.Typed != "" {
		return m.Typed
	}
	return strconv.Itoa(m.Position)
}

var staffCollectionColumns = []adminui.Column[staffCollection]{
	{Title: "Collection", Value: func(c staffCollection) any { return adminui.Link{Text: c.Title, To: c.path()} }},
	{Title: "Address", Value: func(c staffCollection) any { return c.Address }},
	{Title: "Products", Value: func(c staffCollection) any { return c.Products }},
}

// staffCollections lists collections in shop order.
func (s *server) staffCollections(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	list, err := listStaffCollections(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	listing.Rows = len(list)
	table := adminui.NewTable(listing, "collections", staffCollectionColumns, list,
		func(c staffCollection) any { return c.Position })
	table.Empty = "No collections yet. A collection shows products on a page of its own."
	return adminui.Page{Title: "Collections", Template: "collections.html", Table: table, Data: struct {
		Collections []staffCollection `json:"collections"`
	}{list}}, nil
}

// staffCollectionPage is a collection with its products.
type staffCollectionPage struct {
	Collection staffCollection     `json:"collection"`
	Members    []collectionMember  `json:"products"`
	Errors     adminui.FieldErrors `json:"errors,omitempty"`
	Form       adminui.Form        `json:"-"`
}

// maxMembers is how many products of a collection its page orders.
const maxMembers = 500

// collectionEdit is the content of a collection's form.
type collectionEdit struct {
	Title, Address, Text string
	Position             int
	Places               map[string]int // of products, by identifier
}

// collectionAddress matches valid addresses of collections, as the table checks them.
var collectionAddress = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (s *server) collectionFromPath(r *http.Request) (staffCollection, error) {
	return web.OrNotFound(findStaffCollection(r.Context(), s.pool, adminui.Param(r, "address")))
}

// collectionForm is the form for a collection.
func collectionForm(c staffCollection) adminui.Form {
	f := adminui.Form{ID: "collection", Action: c.path(), Version: c.Version, Cancel: "/catalog/collections",
		Fields: []adminui.Field{
			{Name: "title", Label: "Title", Kind: "text", Value: c.Title, MaxLength: maxTitle, Required: true},
			{Name: "address", Label: "Address", Kind: "text", Value: c.Address, MaxLength: 100, Required: true,
				Hint: "Lowercase letters, digits and single hyphens: /collections/…"},
			{Name: "text", Label: "Text", Kind: "multiline", Value: c.Text, MaxLength: maxText},
			{Name: "position", Label: "Place among collections", Kind: "number", Value: strconv.Itoa(c.Position)},
		}}
	if c.ID == 0 {
		f.Action, f.Submit = "/catalog/collections/new", "Make a collection"
	}
	return f
}

// readCollectionEdit reads the form; fields that were not sent stay as they are.
func readCollectionEdit(form adminui.PostedForm, now staffCollection, members []collectionMember) (e collectionEdit,
	wrong adminui.FieldErrors) {
	wrong = adminui.FieldErrors{}
	text := func(name, was string, maxLength int) string {
		if !form.Has(name) {
			return was
		}
		sent := strings.TrimSpace(form.Text(name))
		if utf8.RuneCountInString(sent) > maxLength {
			wrong[name] = "At most " + strconv.Itoa(maxLength) + " characters."
		}
		return sent
	}

	place := func(name string, was int) int {
		sent, there := form.Lookup(name)
		if !there {
			return was
		}
		n, err := strconv.ParseInt(strings.TrimSpace(sent), 10, 32)
		if err != nil || n < -1_000_000 || n > 1_000_000 {
			wrong[name] = "Enter a whole number."
		}
		return int(n)
	}

	e = collectionEdit{Title: text("title", now.Title, maxTitle), Address: text("address", now.Address, 100),
		Text: text("text", now.Text, maxText), Position: place("position", now.Position), Places: map[string]int{}}
	if e.Title == "" {
		wrong["title"] = "A collection needs a title."
	}
	if !collectionAddress.MatchString(e.Address) {
		wrong["address"] = "Lowercase letters, digits and single hyphens."
	}

	for i, m := range members {
		if at := place(m.Field(), m.Position); at != m.Position {
			e.Places[m.Identifier] = at
		}
		if sent, there := form.Lookup(m.Field()); there {
			members[i].Typed, members[i].Error = sent, wrong[m.Field()]
		}
	}
	return e, wrong
}

// staffNewCollection shows the form for a new collection.
func (s *server) staffNewCollection(*http.Request) (adminui.Answer, error) {
	return collectionPage(staffCollectionPage{Members: []collectionMember{}, Form: collectionForm(staffCollection{})},
		http.StatusOK), nil
}

func collectionPage(p staffCollectionPage, status int) adminui.Page {
	title := p.Collection.Title
	if title == "" {
		title = "New collection"
	}
	return adminui.Page{Title: title, Template: "collection.html", Data: p, Status: status}
}

// staffCollection shows a collection.
func (s *server) staffCollection(r *http.Request) (adminui.Answer, error) {
	c, err := s.collectionFromPath(r)
	if err != nil {
		return nil, err
	}
	members, err := collectionMembers(r.Context(), s.pool, c.ID, maxMembers)
	if err != nil {
		return nil, err
	}
	return collectionPage(staffCollectionPage{Collection: c, Members: members, Form: collectionForm(c)},
		http.StatusOK), nil
}

// staffCreateCollection makes a collection.
func (s *server) staffCreateCollection(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	return s.saveCollection(r, form, staffCollection{})
}

// staffUpdateCollection stores the form of a collection.
func (s *server) staffUpdateCollection(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	c, err := s.collectionFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, c.Version); err != nil {
		return nil, err
	}
	return s.saveCollection(r, form, c)
}

// saveCollection stores the form of a collection, which has no id if it is new.
func (s *server) saveCollection(r *http.Request, form adminui.PostedForm, c staffCollection) (adminui.Answer, error) {
	members, err := collectionMembers(r.Context(), s.pool, c.ID, maxMembers)
	if err != nil {
		return nil, err
	}
	edit, wrong := readCollectionEdit(form, c, members)
	if err = wrong; len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error { return changeCollection(r, tx, c, form.Version, edit) })
	}

	refused, isRefused := errors.AsType[adminui.FieldErrors](err)
	page := staffCollectionPage{Collection: c, Members: members, Errors: refused}
	switch {
	case isRefused:
		page.Form = collectionForm(c).WithInput(form).WithErrors(refused)
		page.Form.Version = form.Version
		return collectionPage(page, http.StatusUnprocessableEntity), nil
	case errors.Is(err, adminui.ErrStale):
		if page.Collection, err = s.collectionFromPath(r); err != nil {
			return nil, err
		}
		now, theirs := collectionForm(page.Collection), map[string]string{}
		for _, field := range now.Fields {
			theirs[field.Name] = field.Value
		}
		page.Errors = adminui.FieldErrors{"": adminui.ErrStale.Error()}
		page.Form = now.WithInput(form).Conflict(page.Collection.Version, "Another person", "a moment ago", theirs)
		return collectionPage(page, http.StatusConflict), nil
	case err != nil:
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: staffCollection{Address: edit.Address}.path(), Text: "Saved."}, nil
}

// changeCollection stores an edit and records it.
func changeCollection(r *http.Request, tx pgx.Tx, c staffCollection, version int64, e collectionEdit) error {
	ctx := r.Context()
	stored, free, err := storeCollection(ctx, tx, c.ID, version, e)
	switch {
	case err != nil:
		return err
	case !free:
		return adminui.FieldErrors{"address": "Another collection has this address."}
	case !stored:
		return adminui.ErrStale
	}
	if err := placeMembers(ctx, tx, c.ID, e.Places); err != nil {
		return err
	}

	act := adminui.Act{
		Action: adminui.CatalogEdit,
		Kind:   "collection",
		Key:    e.Address,
		Text:   "Changed the collection",
		Before: map[string]any{"title": c.Title, "address": c.Address, "text": c.Text, "position": c.Position},
		After: map[string]any{"title": e.Title, "address": e.Address, "text": e.Text, "position": e.Position,
			"places": e.Places},
	}
	if c.ID == 0 {
		act.Text, act.Before = "Made the collection", nil
	}
	return adminui.Record(r, tx, act)
}

// staffDeleteCollection deletes a collection. Its products stay.
func (s *server) staffDeleteCollection(r *http.Request) (adminui.Answer, error) {
	c, err := s.collectionFromPath(r)
	if err != nil {
		return nil, err
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		members, err := collectionMembers(r.Context(), tx, c.ID, maxMembers)
		if err != nil {
			return err
		}
		if err := deleteCollection(r.Context(), tx, c.ID); err != nil {
			return err
		}
		had := []string{}
		for _, m := range members {
			had = append(had, m.Identifier)
		}
		slices.Sort(had)
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogEdit, Kind: "collection", Key: c.Address,
			Text: "Removed the collection", Before: map[string]any{"title": c.Title, "text": c.Text, "products": had}})
	})
	if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: "/catalog/collections", Text: "Removed the collection “" + c.Title + "”."}, nil
}
