package order

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// mediaRow is a picture or a video of a product, as its form has it.
type mediaRow struct {
	ID        int64  `json:"id,omitempty"`
	SKU       int64  `json:"sku,omitempty" db:"sku"` // of a picture of one SKU only
	URL       string `json:"url" db:"url"`
	Thumbnail string `json:"thumbnail,omitempty"` // of a video
	Caption   string `json:"caption"`
	Alt       string `json:"alternative_text,omitempty"`

	Error string `json:"-" db:"-"`
	Shown string `json:"-" db:"-"` // URL of the picture for browsers
	Place int    `json:"-" db:"-"`
}

// skuName is a SKU by its distinguishing options.
type skuName struct {
	ID   int64
	Name string
}

// staffMediaPage is the page of a product's pictures and videos.
type staffMediaPage struct {
	productHead
	Pictures []mediaRow          `json:"pictures"` // in their order, the main one first
	Videos   []mediaRow          `json:"videos"`
	Errors   adminui.FieldErrors `json:"errors,omitempty"`
	SKUs     []skuName           `json:"-"`
	Version  int64               `json:"-"`                  // of the form
	Now      []mediaRow          `json:"-"`                  // what another person stored in the meantime
	Refused  []string            `json:"refused,omitempty"`  // files that are not pictures, and why
	Fetches  []pictureFetch      `json:"to_fetch,omitempty"` // pictures on other servers, which the shop does not show
}

// More are empty rows for new ones.
func (p staffMediaPage) More() []int { return []int{1, 2, 3} }

const (
	// maxMedia is how many pictures, or videos, a product may have.
	maxMedia   = 100
	maxAddress = 500
	maxCaption = 500
)

// staffMedia shows pictures and videos.
func (s *server) staffMedia(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	page, err := s.mediaPage(r, p)
	if err != nil {
		return nil, err
	}
	return page.answer(http.StatusOK), nil
}

func (s *server) mediaPage(r *http.Request, p staffProduct) (page staffMediaPage, err error) {
	page.productHead, page.Version = s.productHead(p, "Pictures and videos"), p.MediaVersion
	if page.Pictures, page.Videos, err = listMedia(r.Context(), s.pool, p.ID); err != nil {
		return page, err
	}
	if page.Fetches, err = listFetches(r.Context(), s.pool, p.ID); err != nil {
		return page, err
	}
	page.SKUs, err = listSKUNames(r.Context(), s.pool, p.ID)
	s.show(page.Pictures)
	s.show(page.Videos)
	return page, err
}

// CanFetchAgain reports whether the shop has given up fetching some pictures.
func (p staffMediaPage) CanFetchAgain() bool {
	return slices.ContainsFunc(p.Fetches, pictureFetch.Failed)
}

// staffFetchMedia has the pictures of a product that could not be fetched fetched again.
func (s *server) staffFetchMedia(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	return s.fetchAgain(r, productPath(p.Identifier)+"/media", 0, p.ID,
		adminui.Act{Kind: "product", Key: p.Identifier})
}

// show sets the URLs for browsers, and the place of each picture.
func (s *server) show(rows []mediaRow) {
	for i, m := range rows {
		if rows[i].Shown, rows[i].Place = s.pictureURL(m.URL), i+1; m.Thumbnail != "" {
			rows[i].Shown = s.pictureURL(m.Thumbnail)
		}
	}
}

func (p staffMediaPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Product.Title + ": pictures", Template: "pictures.html", Data: p, Status: status}
}

// staffUpdateMedia stores the form.
func (s *server) staffUpdateMedia(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, p.MediaVersion); err != nil {
		return nil, err
	}
	skus, err := listSKUNames(r.Context(), s.pool, p.ID)
	if err != nil {
		return nil, err
	}

	pictures, ok1 := readMedia(form, "picture", skus)
	videos, ok2 := readMedia(form, "video", nil)
	if !ok1 || !ok2 {
		err = adminui.FieldErrors{"": "Some values need correcting."}
	} else {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			return changeMedia(r, tx, p.ID, form.Version, pictures, videos)
		})
	}

	refused, isRefused := errors.AsType[adminui.FieldErrors](err)
	if stale := errors.Is(err, adminui.ErrStale); stale || isRefused {
		page, err := s.mediaPage(r, p)
		if err != nil {
			return nil, err
		}
		status := http.StatusUnprocessableEntity
		if page.Errors, page.Version = refused, form.Version; stale {
			status, page.Errors = http.StatusConflict, adminui.FieldErrors{"": adminui.ErrStale.Error()}
			page.Now, page.Version = slices.Concat(page.Pictures, page.Videos), page.Product.MediaVersion
		}
		page.Pictures, page.Videos = pictures, videos
		s.show(page.Pictures)
		s.show(page.Videos)
		return page.answer(status), nil
	}
	if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier) + "/media", Text: "Saved."}, nil
}

// readMedia reads the rows of a kind: fields picture-url, picture-caption, …, one of each for every
// row, in order. Rows without an address are left out; the others are sorted by their places.
func readMedia(form adminui.PostedForm, kind string, skus []skuName) (rows []mediaRow, ok bool) {
	column := func(name string, i int) string {
		if values := form.Values.Values[kind+"-"+name]; i < len(values) {
			return strings.TrimSpace(values[i])
		}
		return ""
	}

	ok = true
	type placed struct {
		mediaRow
		at float64
	}
	var list []placed
	for i, address := range form.Values.Values[kind+"-url"] {
		if address = strings.TrimSpace(address); address == "" {
			continue
		}
		m := mediaRow{URL: address, Caption: column("caption", i), Alt: column("alt", i),
			Thumbnail: column("thumbnail", i)}
		at, err := strconv.ParseFloat(column("place", i), 64)
		if err != nil {
			at = 1e6 + float64(i) // behind those that have a place
		}
		if sku := column("sku", i); sku != "" {
			m.SKU, err = strconv.ParseInt(sku, 10, 64)
			if err != nil || !slices.ContainsFunc(skus, func(k skuName) bool { return k.ID == m.SKU }) {
				m.Error = "This SKU no longer exists."
			}
		}
		if m.Error == "" {
			m.Error = m.check(kind == "video")
		}
		ok = ok && m.Error == ""
		list = append(list, placed{m, at})
	}

	slices.SortStableFunc(list, func(a, b placed) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})

	for _, p := range list {
		rows = append(rows, p.mediaRow)
	}
	if len(rows) > maxMedia {
		rows[maxMedia].Error, ok = "At most "+strconv.Itoa(maxMedia)+" of them.", false
	}
	return rows, ok
}

// check says what is wrong with a row, or "".
func (m mediaRow) check(video bool) string {
	addresses := []string{m.URL}
	if video {
		if m.Thumbnail == "" {
			return "A video needs a still picture."
		}
		if strings.HasPrefix(m.URL, "/") {
			return "A video is embedded from where it is: https://…"
		}
		addresses = append(addresses, m.Thumbnail)
	}
	for _, address := range addresses {
		if !mediaAddress(address) {
			return "An address such as /img/product/clip.jpg or https://…, at most " + strconv.Itoa(maxAddress) +
				" characters."
		}
	}
	if utf8.RuneCountInString(m.Caption) > maxCaption || utf8.RuneCountInString(m.Alt) > maxCaption {
		return "At most " + strconv.Itoa(maxCaption) + " characters in a text."
	}
	return ""
}

// mediaAddress reports whether a page of the shop can show the media at an address.
func mediaAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || strings.ContainsAny(address, " \"'<>\\\n\t") {
		return false
	}
	if u.Scheme == "https" {
		return u.Host != ""
	}
	return u.Scheme == "" && u.Host == "" && strings.HasPrefix(address, "/")
}

// changeMedia stores pictures and videos of the version that the person saw, and records it.
func changeMedia(r *http.Request, tx pgx.Tx, id, version int64, pictures, videos []mediaRow) error {
	ctx := r.Context()
	p, err := web.OrNotFound(lockProduct(ctx, tx, id))
	switch {
	case err != nil:
		return err
	case p.MediaVersion != version:
		return adminui.ErrStale
	}

	wasPictures, wasVideos, err := listMedia(ctx, tx, id)
	if err != nil {
		return err
	}
	same := func(a, b mediaRow) bool { a.ID, b.ID = 0, 0; return a == b }
	if slices.EqualFunc(wasPictures, pictures, same) && slices.EqualFunc(wasVideos, videos, same) {
		return nil
	}
	if err := storeMedia(ctx, tx, id, pictures, videos, adminui.Who(r).Name); err != nil {
		return err
	}

	return adminui.Record(r, tx, adminui.Act{
		Action: adminui.CatalogEdit,
		Kind:   "product",
		Key:    p.Identifier,
		Text:   "Changed pictures and videos",
		Before: map[string]any{"pictures": wasPictures, "videos": wasVideos},
		After:  map[string]any{"pictures": pictures, "videos": videos},
	})
}
