package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

// striped is a JPEG whose left half is red, and whose right half is blue.
func striped(w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{B: 200, A: 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, 0, w/2, h), image.NewUniform(color.RGBA{R: 200, A: 255}), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// withEXIF puts an EXIF segment with an orientation and a place into a JPEG.
func withEXIF(body []byte, orientation byte) []byte {
	tiff := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00")
	tiff = append(tiff, orientation, 0, 0)
	tiff = append(tiff, "GPS 59.9139N 10.7522E"...)
	segment := []byte{0xff, 0xe1}
	segment = binary.BigEndian.AppendUint16(segment, uint16(len(tiff)+2))
	return append(append(append([]byte{}, body[:2]...), append(segment, tiff...)...), body[2:]...)
}

// pngHead is the beginning of a PNG that claims this size.
func pngHead(w, h uint32) []byte {
	chunk := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	chunk = append(chunk, 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(out, chunk...), crc32.ChecksumIEEE(chunk))
}

// A picture is shown upright, for each of the eight orientations of EXIF.
func TestPicturesAreUpright(t *testing.T) {
	t.Parallel()
	const w, h = 32, 16
	for orientation, red := range map[byte]image.Point{1: {4, 8}, 2: {28, 8}, 3: {28, 8}, 4: {4, 8}, 5: {8, 4}, 6: {8, 4}, 7: {8, 28},
		8: {8, 28}, 9: {4, 8}} {
		p, err := Resize(withEXIF(striped(w, h), orientation))
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(p.Files[p.Width]))
		if err != nil {
			t.Fatal(err)
		}
		size := img.Bounds().Size()
		r, _, b, _ := img.At(red.X, red.Y).RGBA()
		other, _, _, _ := img.At(size.X-1-red.X, size.Y-1-red.Y).RGBA()
		if turned := size == image.Pt(h, w); turned != (orientation > 4 && orientation < 9) || r < b || other > r {
			t.Errorf("orientation %d: %v, red %d, blue %d", orientation, size, r, b)
		}
	}
}

// A photo keeps its pixels, and nothing about where it was taken.
func TestResizeDropsMetadata(t *testing.T) {
	t.Parallel()
	photo, err := os.ReadFile("testdata/photo.jpg")
	if err != nil || !bytes.Contains(photo, []byte("GPS")) {
		t.Fatal("the photo does not say where it was taken", err)
	}
	p, err := Resize(photo)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(p.Files)); !slices.Equal(got, []int{400, 600}) || p.Width != 600 || !media.ValidName(p.Name()) {
		t.Errorf("widths %v, %s", got, p.Name())
	}

	for width, file := range p.Files {
		if bytes.Contains(file, []byte("GPS")) || bytes.Contains(file, []byte("Exif")) {
			t.Errorf("%d tells a place", width)
		}
	}

	var made []int
	if err := WebPs(p.Files[p.Width], p.Width, func(width int, file []byte) error {
		made = append(made, width)
		cfg, kind, err := image.DecodeConfig(bytes.NewReader(file))
		if kind != "webp" || cfg.Width != width || cfg.Height != width*3/2 {
			t.Errorf("%d: %s, %d × %d", width, kind, cfg.Width, cfg.Height)
		}
		return err
	}); err != nil || !slices.Equal(made, []int{400, 600}) {
		t.Errorf("WebP: %v, %v", made, err)
	}

	full := errors.New("the disk is full")
	err = WebPs(p.Files[p.Width], p.Width, func(int, []byte) error { return full })
	if !errors.Is(err, full) || errors.Is(err, ErrNoWebP) {
		t.Errorf("a file that cannot be kept: %v", err)
	}
	if err := WebPs([]byte("no picture"), 400, nil); !errors.Is(err, ErrNoWebP) {
		t.Errorf("no picture: %v", err)
	}
}

func FuzzPicture(f *testing.F) {
	f.Add(withEXIF(striped(8, 8), 6))
	f.Add(pngHead(9, 9))
	f.Fuzz(func(t *testing.T, body []byte) {
		if o := exifOrientation(body); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
		p, err := Resize(body)
		if _, refused := errors.AsType[Refusal](err); refused {
			return
		}
		if err != nil || p.Width > media.MaxWidth || !media.ValidName(p.Name()) {
			t.Errorf("%v, %v", p, err)
		}
	})
}
