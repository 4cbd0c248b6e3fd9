// Package media keeps pictures where MEDIA_URL says: in a folder, or in a bucket that speaks S3.
// order writes them, edge serves them. A name is made of a picture's content, so what is under a
// name never changes. Each is a JPEG in several widths; the WebP of each width is made of it a
// little later.
package media

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ErrNotFound says that nothing is kept under a name.
var ErrNotFound = errors.New("no such picture")

// Store keeps pictures.
type Store interface {
	// Put keeps a picture permanently. Keeping it again changes nothing.
	Put(ctx context.Context, name string, body []byte) error
	// Get is a picture, or ErrNotFound.
	Get(ctx context.Context, name string) ([]byte, error)
}

// Path is where the shop serves pictures.
const Path = "/media/"

// Widths are the widths in pixels in which a picture is kept, as far as it has them, beside its
// own, which is at most MaxWidth.
var Widths = []int{400, 800, 1200, MaxWidth}

// MaxWidth is the width of the largest picture that is kept, in pixels.
const MaxWidth = 1600

var name = regexp.MustCompile(`^([0-9a-f]{32})-([1-9][0-9]{0,3})\.(jpg|webp)$`)

// ValidName reports whether a text can be the name of a picture.
func ValidName(text string) bool { return name.MatchString(text) }

// Name is the name of a picture with this hash (32 hexadecimal digits) in a width.
func Name(hash string, width int) string { return hash + "-" + strconv.Itoa(width) + ".jpg" }

// WebP and JPEG are the names of a picture in the two kinds in which it is kept. The JPEG is there
// from the beginning.
func WebP(name string) string { return strings.TrimSuffix(name, ".jpg") + ".webp" }

// JPEG is the name of the JPEG that a WebP was made of.
func JPEG(name string) string { return strings.TrimSuffix(name, ".webp") + ".jpg" }

// Parse returns the hash and the width in the name of a JPEG.
func Parse(text string) (hash string, width int, ok bool) {
	parts := name.FindStringSubmatch(text)
	if parts == nil || parts[3] != "jpg" {
		return "", 0, false
	}
	width, err := strconv.Atoi(parts[2])
	return parts[1], width, err == nil
}

// Type is the media type of what is under a name.
func Type(name string) string {
	if strings.HasSuffix(name, ".webp") {
		return "image/webp"
	}
	return "image/jpeg"
}

// WidthsOf are the widths, ascending, in which a picture of this width is kept.
func WidthsOf(own int) (widths []int) {
	for _, w := range Widths {
		if w < own {
			widths = append(widths, w)
		}
	}
	return append(widths, own)
}

// Srcset lists the widths of a picture at an address of ours (Path and a name) as WebP, for the
// attribute of that name; "" for any other address.
func Srcset(address string) string {
	file, ours := strings.CutPrefix(address, Path)
	hash, own, ok := Parse(file)
	if !ours || !ok {
		return ""
	}
	var set []string
	for _, w := range WidthsOf(own) {
		set = append(set, Path+WebP(Name(hash, w))+" "+strconv.Itoa(w)+"w")
	}
	return strings.Join(set, ", ")
}

// Open reads MEDIA_URL: the path of a folder, or s3://key:secret@host/bucket/prefix, with ?region=…
// if the server needs one, and ?tls=off for a server on this machine. Without key and secret the
// bucket is accessed with the rights that AWS gives the task. Empty is a folder named media.
func Open(address string) (Store, error) {
	if !strings.HasPrefix(address, "s3://") {
		if address == "" {
			address = "media"
		}
		if strings.Contains(address, "://") {
			return nil, errors.New("MEDIA_URL is neither a folder nor an s3:// address")
		}
		return folder(address), nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		// not the error: it quotes the secret
		return nil, errors.New("MEDIA_URL is neither s3://key:secret@host/bucket nor s3://host/bucket")
	}
	return openBucket(u)
}

// folder keeps pictures as files, in 256 folders below it.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name[:2], name) }

// Put writes a file beside its place and moves it there, so that no one reads half of it.
func (f folder) Put(_ context.Context, name string, body []byte) error {
	if !ValidName(name) {
		return fmt.Errorf("keep picture %q: not a name", name)
	}
	at := f.path(name)
	if _, err := os.Stat(at); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil { //nolint:gosec // edge may run as another user
		return fmt.Errorf("make a folder for pictures: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(at), ".part-*")
	if err != nil {
		return fmt.Errorf("write picture %s: %w", name, err)
	}
	defer os.Remove(part.Name()) //nolint:errcheck // it was moved
	_, err = part.Write(body)
	if err = errors.Join(err, part.Chmod(0o644), part.Sync(), part.Close()); err != nil { //nolint:gosec // see above
		return fmt.Errorf("write picture %s: %w", name, err)
	}
	if err := os.Rename(part.Name(), at); err != nil {
		return fmt.Errorf("write picture %s: %w", name, err)
	}
	return nil
}

// Get reads a file.
func (f folder) Get(_ context.Context, name string) ([]byte, error) {
	if !ValidName(name) {
		return nil, ErrNotFound
	}
	body, err := os.ReadFile(f.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read picture %s: %w", name, err)
	}
	return body, nil
}
