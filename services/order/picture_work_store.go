package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// pictureToMake is a picture without a WebP.
type pictureToMake struct {
	Name  string
	Tries int
}

// queuePictures notes that the WebP of pictures is to be made; names are those of the JPEGs.
func queuePictures(ctx context.Context, db pg.DB, names []string) error {
	return pg.Exec(ctx, db, "queue pictures", `
		INSERT INTO picture_to_make (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, names)
}

// claimPicture takes the next picture that is due. Its next try is put off, so that no other
// process takes it, and comes if this process ends.
func claimPicture(ctx context.Context, db pg.DB) (pictureToMake, bool, error) {
	return pg.One[pictureToMake](ctx, db, "claim a picture", `
		UPDATE picture_to_make SET tries = tries + 1, due = now() + (tries + 1) * interval '2 minutes'
		WHERE name = (
		  SELECT name FROM picture_to_make WHERE due <= now()
		  ORDER BY due, name LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING name, tries`)
}

func deletePictureWork(ctx context.Context, db pg.DB, name string) error {
	return pg.Exec(ctx, db, "delete the work on picture $1", `DELETE FROM picture_to_make WHERE name = $1`, name)
}
