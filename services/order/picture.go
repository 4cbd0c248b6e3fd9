package order

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // what people have
	"image/jpeg"
	_ "image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

const (
	// mostPictureBytes is the largest file of a picture that is taken.
	mostPictureBytes = 24 << 20
	// mostPictureSide and mostPixels bound a picture before it is unpacked: 40 million pixels take 160 MB.
	mostPictureSide = 12_000
	mostPixels      = 40_000_000
	// jpegQuality is where a product's picture cannot be told from the original at its size.
	jpegQuality = 82
)

// notPicture says why a file is not taken, in words for the person who sent it.
type notPicture string

func (n notPicture) Error() string { return string(n) }

// decodePicture reads a picture, and how its camera was held. It is measured before it is unpacked, so that a small
// file cannot take all memory.
func decodePicture(body []byte) (img image.Image, orientation int, err error) {
	if len(body) > mostPictureBytes {
		return nil, 0, notPicture(fmt.Sprintf("It has more than %d MB.", mostPictureBytes>>20))
	}
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(body))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, 0, notPicture("It is not a JPEG, PNG, WebP or GIF.")
	case err != nil || cfg.Width < 1 || cfg.Height < 1:
		return nil, 0, notPicture("It is damaged.")
	case cfg.Width > mostPictureSide || cfg.Height > mostPictureSide || cfg.Width*cfg.Height > mostPixels:
		return nil, 0, notPicture(fmt.Sprintf("It has %d × %d pixels; %d million are the most.", cfg.Width, cfg.Height,
			mostPixels/1_000_000))
	}
	if img, _, err = image.Decode(bytes.NewReader(body)); err != nil {
		return nil, 0, notPicture("It is damaged.")
	}
	if kind == "jpeg" {
		orientation = exifOrientation(body)
	}
	return img, orientation, nil
}

// sizedPicture is a picture in the widths in which it is kept.
type sizedPicture struct {
	hash          string
	width, height int            // of the largest one
	files         map[int][]byte // JPEG, by width
}

// name is the name of its largest file.
func (p sizedPicture) name() string { return media.Name(p.hash, p.width) }

// resizePicture makes JPEGs of a picture. Nothing of the file but its pixels is in them: neither where a photo was
// taken, nor by what. What is transparent becomes white.
func resizePicture(img image.Image, orientation int) (p sizedPicture, err error) {
	bounds, turned := img.Bounds(), orientation > 4
	p.width, p.height, p.files = bounds.Dx(), bounds.Dy(), map[int][]byte{}
	if turned {
		p.width, p.height = p.height, p.width
	}
	if p.width > media.Most {
		p.width, p.height = media.Most, max(p.height*media.Most/p.width, 1)
	}
	var source *image.RGBA
	if turned {
		source = upright(scaled(img, p.height, p.width), orientation)
	} else {
		source = upright(scaled(img, p.width, p.height), orientation)
	}
	for _, width := range media.WidthsOf(p.width) {
		small := source
		if width < p.width {
			small = scaled(source, width, max(p.height*width/p.width, 1))
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: jpegQuality}); err != nil {
			return p, fmt.Errorf("encode a picture: %w", err)
		}
		p.files[width] = out.Bytes()
	}
	sum := sha256.Sum256(p.files[p.width])
	p.hash = hex.EncodeToString(sum[:16])
	return p, nil
}

// scaled is a picture in another size, on white.
func scaled(img image.Image, width, height int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(out, out.Bounds(), img, img.Bounds(), draw.Over, nil)
	return out
}

// upright turns a picture as its camera was held: one of the eight orientations of EXIF (CIPA DC-008, tag 274).
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if orientation > 4 {
		w, h = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, w-1-x
			case 7:
				sx, sy = h-1-y, w-1-x
			case 8:
				sx, sy = h-1-y, x
			}
			out.SetRGBA(x, y, img.RGBAAt(b.Min.X+sx, b.Min.Y+sy))
		}
	}
	return out
}

// exifOrientation reads the orientation in a JPEG's first EXIF segment; 1 where there is none that makes sense.
func exifOrientation(body []byte) int {
	for at := 2; at+4 <= len(body) && body[at] == 0xff; { // after the mark of the beginning
		kind, size := body[at+1], int(binary.BigEndian.Uint16(body[at+2:]))
		if size < 2 || at+2+size > len(body) || kind == 0xda {
			break
		}
		segment := body[at+4 : at+2+size]
		if rest, exif := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); kind == 0xe1 && exif {
			return tiffOrientation(rest)
		}
		at += 2 + size
	}
	return 1
}

// tiffOrientation reads tag 274 of the first directory.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := int64(order.Uint16(tiff[at:]))
	for i := range entries {
		entry := at + 2 + 12*i
		if entry+12 > int64(len(tiff)) {
			break
		}
		if order.Uint16(tiff[entry:]) == 274 {
			if o := int(order.Uint16(tiff[entry+8:])); o >= 1 && o <= 8 {
				return o
			}
			break
		}
	}
	return 1
}
