package order

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/picture"
)

const (
	// maxFiles is how many pictures one form may bring; a script sends each by itself.
	maxFiles = 20
	// pictureConcurrency is how many pictures are decoded at a time: each may take much memory.
	pictureConcurrency = 1
)

// staffUpload takes pictures: each is encoded again from its pixels, stored in several widths, and
// added behind the product's pictures.
func (s *server) staffUpload(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := r.ParseMultipartForm(adminui.MaxUpload); err != nil {
		return nil, web.BadRequest("files")
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // files of the temporary folder

	files := r.MultipartForm.File["files"]
	var added []string
	var refused []string
	if len(files) > maxFiles {
		files, refused = files[:maxFiles], []string{fmt.Sprintf("At most %d pictures at a time.", maxFiles)}
	}
	for _, file := range files {
		if file.Size == 0 && file.Filename == "" {
			continue
		}
		address, err := s.keepPicture(r.Context(), func() ([]byte, error) { return readUpload(file, picture.MaxBytes) })
		if no, ok := errors.AsType[picture.Refusal](err); ok {
			refused = append(refused, fileName(file.Filename)+": "+no.Error())
			continue
		} else if err != nil {
			return nil, err
		}
		added = append(added, address)
	}

	if len(added) > 0 {
		err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) error { return addPictures(r, tx, p.ID, added) })
		if full, ok := errors.AsType[adminui.FieldErrors](err); ok {
			refused = append(refused, full[""])
		} else if err != nil {
			return nil, err
		}
		s.catalogChanged()
		wait.Wake(s.pictureWork)
	} else if len(refused) == 0 {
		refused = []string{"Choose a picture first."}
	}

	if len(refused) > 0 {
		page, err := s.mediaPage(r, p)
		page.Refused = refused
		return page.answer(http.StatusUnprocessableEntity), err
	}
	return adminui.Done{To: productPath(p.Identifier) + "/media", Text: fmt.Sprintf("Added %d.", len(added))}, nil
}

// fileName is the name that a browser sent for a file, made safe to show.
func fileName(name string) string {
	return pg.StorableText(path.Base(strings.ReplaceAll(name, `\`, "/")), 100)
}

// keepPicture stores a picture in all its widths, the largest last: once its address is known all
// of them are there.
func (s *server) keepPicture(ctx context.Context, read func() ([]byte, error)) (address string, err error) {
	select {
	case s.pictures <- struct{}{}:
		defer func() { <-s.pictures }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	body, err := read()
	if err != nil {
		return "", err
	}
	sized, err := picture.Resize(body)
	if err != nil {
		return "", err
	}
	for _, width := range media.WidthsOf(sized.Width) {
		if err := s.media.Put(ctx, media.Name(sized.Hash, width), sized.Files[width]); err != nil {
			return "", web.Unavailable(err)
		}
	}
	return media.Path + sized.Name(), nil
}

// readUpload reads an uploaded file, up to one byte more than limit.
func readUpload(file *multipart.FileHeader, limit int64) ([]byte, error) {
	f, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("open an upload: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	return body, nil
}

// addPictures adds pictures behind those of a product, and records it.
func addPictures(r *http.Request, tx pgx.Tx, id int64, addresses []string) error {
	p, found, err := lockProduct(r.Context(), tx, id)
	if err != nil {
		return err
	}
	if !found {
		return web.NotFound()
	}
	all, err := appendPictures(r.Context(), tx, id, addresses, maxMedia, adminui.Who(r).Name)
	if err != nil {
		return err
	}
	if !all {
		return adminui.FieldErrors{"": fmt.Sprintf("A product has at most %d pictures.", maxMedia)}
	}
	names := make([]string, len(addresses))
	for i, address := range addresses {
		names[i] = strings.TrimPrefix(address, media.Path)
	}
	if err := queuePictures(r.Context(), tx, names); err != nil {
		return err
	}
	return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogEdit, Kind: "product", Key: p.Identifier,
		Text: fmt.Sprintf("Added %d pictures", len(addresses)), After: map[string]any{"pictures": addresses}})
}
