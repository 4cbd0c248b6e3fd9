package order

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/services/order/picture"
)

// striped is a picture whose left half is red.
func striped(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{B: 200, A: 255}
			if x < w/2 {
				c = color.RGBA{R: 200, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func jpegOf(img image.Image) []byte {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// pngHead is the beginning of a PNG that claims this size.
func pngHead(w, h uint32) []byte {
	chunk := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	chunk = append(chunk, 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(out, chunk...), crc32.ChecksumIEEE(chunk))
}

// upload sends files as a form without scripts does.
func upload(c *testenv.Client, path string, files map[string][]byte) testenv.Answer {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, content := range files {
		part, err := form.CreateFormFile("files", name)
		if err != nil {
			c.TB.Fatal(err)
		}
		part.Write(content) //nolint:errcheck // a buffer
	}
	form.Close() //nolint:errcheck // a buffer
	r := c.Body(http.MethodPost, path, body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return c.Do(r)
}

// A picture is stored in several widths, upright, and without its place; the product shows it.
func TestUploadAPicture(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor := e.browser(adminui.Marketing)
	const path = "/staff/catalog/products/bSusp6dBHm/media"
	photo, err := os.ReadFile("picture/testdata/photo.jpg") // upright: 600 wide, red above
	if err != nil {
		t.Fatal(err)
	}

	upload(editor, path+"/upload", map[string][]byte{"C:\\holiday.jpg": photo}).Has(http.StatusSeeOther)
	address := e.Text(`SELECT image_url FROM product_image WHERE product_id = 1 ORDER BY id DESC LIMIT 1`)
	editor.Get(path).Has(200, "http://shop.test"+address)
	name := strings.TrimPrefix(address, media.Path)
	if !strings.HasSuffix(name, "-600.jpg") || !media.ValidName(name) {
		t.Fatal(address)
	}

	for width, height := range map[int]int{600: 900, 400: 600} {
		body, err := e.server.media.Get(t.Context(), strings.Replace(name, "-600", fmt.Sprint("-", width), 1))
		if err != nil {
			t.Fatal(err)
		}
		img, kind, err := image.Decode(bytes.NewReader(body))
		if err != nil || kind != "jpeg" || img.Bounds().Dx() != width || img.Bounds().Dy() != height {
			t.Fatalf("%d: %s %v, %v", width, kind, img.Bounds(), err)
		}
		top, _, blue, _ := img.At(width/2, 10).RGBA()
		if top < blue || bytes.Contains(body, []byte("GPS")) || bytes.Contains(body, []byte("Exif")) {
			t.Errorf("%d is not upright, or tells a place", width)
		}
	}

	// The same picture is the same file, whatever its name.
	upload(editor, path+"/upload", map[string][]byte{"again.jpg": photo}).Has(http.StatusSeeOther)
	e.Counts(2, `SELECT count(DISTINCT image_url) FROM product_image WHERE product_id = 1`)
	e.Counts(1, `SELECT count(*) FROM product_image WHERE product_id = 1 AND main_image`)
}

// Other formats are accepted, too; files that are not pictures, are damaged or would take all
// memory are refused with a reason, and the rest is stored.
func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor := e.browser(adminui.Marketing)
	const path = "/staff/catalog/products/v26ujdy3N1/media/upload"
	var gifs, pngs bytes.Buffer
	if err := gif.Encode(&gifs, striped(20, 10), nil); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&pngs, image.NewNRGBA(image.Rect(0, 0, 10, 10))); err != nil { // transparent
		t.Fatal(err)
	}

	whole := jpegOf(striped(50, 50))
	a := upload(editor, path, map[string][]byte{"a.gif": gifs.Bytes(), "b.png": pngs.Bytes(), "bomb.png": pngHead(60_000, 60_000),
		"wide.png": pngHead(12_001, 1),
		"high.png": pngHead(1600, 12_000), "deep.png": pngHead(6000, 6000), "<b>.svg": []byte("<svg onload=alert(1)>"), "half.jpg": whole[:len(whole)/2], "x.exe": []byte("MZ"),
		"nothing.jpg": {}})
	a.Has(422, "60000 × 60000 pixels", "12001 × 1", "1600 × 12000 pixels and takes too much",
		"6000 × 6000 pixels and takes too much", "&lt;b&gt;.svg: It is not a JPEG", "half.jpg: It is damaged", "x.exe: It is not",
		"nothing.jpg: It is")
	e.Counts(2, `SELECT count(*) FROM product_image WHERE product_id = 3 AND image_url LIKE '/media/%'`)

	upload(editor, path, nil).Has(422, "Choose a picture first")
	editor.Post(path, "files", "x").Has(400)
	upload(editor, path, map[string][]byte{"huge.jpg": make([]byte, picture.MaxBytes+1)}).Has(422, "larger than 24 MB")
	upload(editor, path, map[string][]byte{"more.jpg": make([]byte, adminui.MaxUpload)}).Has(http.StatusRequestEntityTooLarge)
	upload(e.browser(adminui.ReadOnly), path, map[string][]byte{"a.jpg": whole}).Has(http.StatusForbidden)
}

// The WebP of each width is made once, after the upload, also for old pictures. A file that is not
// a picture is not tried forever, and a try that was interrupted is made again.
func TestPicturesAsWebP(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ctx := t.Context()
	upload(e.browser(adminui.Marketing), "/staff/catalog/products/bSusp6dBHm/media/upload",
		map[string][]byte{"a.jpg": jpegOf(striped(900, 600))}).Has(http.StatusSeeOther)
	name := strings.TrimPrefix(e.Text(`SELECT image_url FROM product_image WHERE product_id = 1 ORDER BY id DESC LIMIT 1`), media.Path)
	if _, found, err := claimPicture(ctx, e.pool); err != nil || !found { // by a process that ends
		t.Fatal(found, err)
	}
	if made, err := e.server.makePicture(ctx); err != nil || made {
		t.Fatal("taken twice", err)
	}

	damaged, gone := media.Name(strings.Repeat("0a", 16), 800), media.Name(strings.Repeat("0b", 16), 800)
	if err := e.server.media.Put(ctx, damaged, []byte("no picture")); err != nil {
		t.Fatal(err)
	}
	high := media.Name(strings.Repeat("0d", 16), 400)
	if err := e.server.media.Put(ctx, high, jpegOf(image.NewGray(image.Rect(0, 0, 400, 20_001)))); err != nil {
		t.Fatal(err)
	}
	if err := queuePictures(ctx, e.pool, []string{damaged, gone, name, high, "x"}); err != nil {
		t.Fatal(err)
	}

	e.Exec(`UPDATE picture_to_make SET due = now()`)
	for range 5 {
		if made, err := e.server.makePicture(ctx); err != nil || !made {
			t.Fatal(made, err)
		}
	}

	e.Counts(0, `SELECT count(*) FROM picture_to_make`)
	hash, _, _ := media.Parse(name)
	for width, height := range map[int]int{400: 266, 800: 533, 900: 600} {
		body, err := e.server.media.Get(ctx, media.WebP(media.Name(hash, width)))
		if err != nil {
			t.Fatal(err)
		}
		img, kind, err := image.Decode(bytes.NewReader(body))
		if err != nil || kind != "webp" || img.Bounds().Size() != image.Pt(width, height) {
			t.Fatalf("%d: %s %v, %v", width, kind, img.Bounds(), err)
		}
	}
}

// A process makes the WebP of its uploads without being asked.
func TestUploadsWakeTheWebPWorker(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.server.makePictures(ctx) }()
	upload(e.browser(adminui.Marketing), "/staff/catalog/products/bSusp6dBHm/media/upload",
		map[string][]byte{"a.jpg": jpegOf(striped(90, 60))}).Has(http.StatusSeeOther)
	testenv.Eventually(t, 30*time.Second, "a picture as WebP", func() bool {
		return e.Number(`SELECT count(*) FROM picture_to_make`) == 0
	})
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
