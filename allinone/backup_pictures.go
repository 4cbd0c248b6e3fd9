package allinone

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

// picturesAt is the folder or bucket in which the shop of DATABASE_URL keeps its pictures, or "" if
// the settings do not say.
func picturesAt() string {
	if address := os.Getenv("MEDIA_URL"); address != "" {
		return address
	}
	dir := os.Getenv("DATA_DIR")
	if dir == "" {
		dir = defaultFolder
		settings, err := readSettings(filepath.Join(dir, "settings"))
		if database := os.Getenv("DATABASE_URL"); database != "" &&
			(err != nil || settings["DATABASE_URL"] != database) {
			return "" // the folder here belongs to another shop
		}
	}
	return filepath.Join(dir, pictureFolder)
}

// inBucket reports whether pictures are in a bucket, which a backup leaves out.
func inBucket(address string) bool { return strings.HasPrefix(address, "s3://") }

// pictureNames are the pictures below a folder, in a stable order. A missing folder has none.
func pictureNames(folder string) (names []string, err error) {
	err = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && media.ValidName(e.Name()) {
			names = append(names, e.Name())
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the pictures: %w", err)
	}
	return names, nil
}

// copyPictures copies the pictures of a folder and returns the count and checksum of the copies as
// read back. If to is "", it only checks the folder.
func copyPictures(ctx context.Context, folder, to string) (tableSum, error) {
	names, err := pictureNames(folder)
	if err != nil {
		return tableSum{}, err
	}
	source, err := media.Open(folder)
	if err != nil {
		return tableSum{}, err
	}
	target, err := media.Open(cmp.Or(to, folder))
	if err != nil {
		return tableSum{}, err
	}

	sum := sha256.New()
	for _, name := range names {
		body, err := source.Get(ctx, name)
		if err == nil && to != "" {
			if err = target.Put(ctx, name, body); err == nil {
				body, err = target.Get(ctx, name)
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return tableSum{}, fmt.Errorf("copy picture %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(body))
	}

	return tableSum{Rows: int64(len(names)), Sum: hex.EncodeToString(sum.Sum(nil))}, nil
}

// putPictures copies the pictures of a backup back and compares their checksum.
func putPictures(ctx context.Context, from, to string, want tableSum) error {
	got, err := copyPictures(ctx, filepath.Join(from, pictureFolder), to)
	if err == nil && want.Rows > 0 && got != want {
		err = fmt.Errorf("the pictures differ from the backup: %d, want %d", got.Rows, want.Rows)
	}
	return err
}
