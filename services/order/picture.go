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
	"iter"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

const (
	// maxPictureBytes is the largest file of a picture that is taken.
	maxPictureBytes = 24 << 20
	// maxPictureSide, maxPixels and maxPictureMemory bound a picture before it is unpacked. The last one is of all
	// that is made of it, and is what decides for kinds that take much for each pixel.
	maxPictureSide   = 12_000
	maxPixels        = 40_000_000
	maxPictureMemory = 160 << 20
	// jpegQuality is where a product's picture cannot be told from the original at its size.
	jpegQuality = 82
)

// notPicture says why a file is not taken, in words for the person who sent it.
type notPicture string

// Error implements error.
func (n notPicture) Error() string { return string(n) }

// decodePicture reads a picture, and how its camera was held. It is measured before it is unpacked, so that a small
// file cannot take all memory.
func decodePicture(body []byte) (img image.Image, orientation int, err error) {
	if len(body) > maxPictureBytes {
		return nil, 0, notPicture(fmt.Sprintf("It has more than %d MB.", maxPictureBytes>>20))
	}
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(body))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, 0, notPicture("It is not a JPEG, PNG, WebP or GIF.")
	case err != nil || cfg.Width < 1 || cfg.Height < 1:
		return nil, 0, notPicture("It is damaged.")
	case cfg.Width > maxPictureSide || cfg.Height > maxPictureSide || cfg.Width*cfg.Height > maxPixels:
		return nil, 0, notPicture(fmt.Sprintf("It has %d × %d pixels; %d million are the most.", cfg.Width, cfg.Height,
			maxPixels/1_000_000))
	}
	if kind == "jpeg" {
		orientation = exifOrientation(body)
	}
	if pictureMemory(cfg, kind, orientation, body) > maxPictureMemory {
		return nil, 0, notPicture(fmt.Sprintf("It has %d × %d pixels and takes too much memory. Make it smaller first.",
			cfg.Width, cfg.Height))
	}
	if img, _, err = image.Decode(bytes.NewReader(body)); err != nil {
		return nil, 0, notPicture("It is damaged.")
	}
	return img, orientation, nil
}

// pictureMemory is how many bytes it takes at most to unpack a picture and to make its sizes.
func pictureMemory(cfg image.Config, kind string, orientation int, body []byte) int {
	pixels, copies := cfg.Width*cfg.Height, 2 // the largest size, and all smaller ones
	width, height := cfg.Width, cfg.Height
	if orientation > 4 {
		width, height = height, width
	}
	if width > media.Most {
		width, height = media.Most, max(height*media.Most/width, 1)
	}
	if orientation > 1 {
		copies++ // it is turned
	}
	// Each halving takes a quarter of the pixels of the one before, with four bytes.
	return pixels*unpackedBytes(cfg, kind, body) + pixels*4/3 + width*height*4*copies
}

// unpackedBytes is how many bytes for a pixel a decoder takes at most.
func unpackedBytes(cfg image.Config, kind string, body []byte) int {
	var each int
	switch cfg.ColorModel {
	case color.GrayModel:
		each = 1
	case color.Gray16Model:
		each = 2
	case color.YCbCrModel:
		each = 3
	case color.RGBAModel, color.NRGBAModel, color.NYCbCrAModel:
		each = 4
	default: // 16 bits for each color, and CMYK, of which the decoder makes a copy
		if each = 8; kind == "gif" {
			each = 2
		} else if _, palette := cfg.ColorModel.(color.Palette); palette {
			each = 1
		}
	}
	switch {
	case kind == "png" && len(body) > 28 && body[28] == 1, kind == "webp":
		each *= 2 // passes of an interlaced PNG (PNG specification, 11.2.1), and what WebP keeps beside the pixels
	case kind == "jpeg":
		if cfg.ColorModel == color.RGBAModel {
			each += 3 // what it is converted from
		}
		each += progressiveBytes(body)
	}
	return each
}

// progressiveBytes is how many bytes for a pixel the decoder keeps beside the pixels: of a progressive JPEG (ITU-T
// T.81, frame header SOF2) all coefficients, with four bytes each.
func progressiveBytes(body []byte) int {
	for at := 2; at+4 <= len(body) && body[at] == 0xff; {
		kind, size := body[at+1], int(binary.BigEndian.Uint16(body[at+2:]))
		if kind == 0xc2 && at+10 <= len(body) {
			parts, widest, samples := int(body[at+9]), 1, 0
			for i := range parts {
				if place := at + 11 + 3*i; place < len(body) {
					area := int(body[place]>>4) * int(body[place]&15)
					widest, samples = max(widest, area), samples+area
				}
			}
			return (4*samples + widest - 1) / widest
		}
		if size < 2 || kind == 0xda {
			break
		}
		at += 2 + size
	}
	return 0
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
	for width, small := range sizes(source, p.width) {
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

// sizes are the widths in which a picture is kept, with the picture in each, one after the other.
func sizes(source *image.RGBA, own int) iter.Seq2[int, *image.RGBA] {
	return func(yield func(int, *image.RGBA) bool) {
		for _, width := range media.WidthsOf(own) {
			small := source
			if width < own {
				small = scaled(source, width, max(source.Bounds().Dy()*width/own, 1))
			}
			if !yield(width, small) {
				return
			}
		}
	}
}

// scaled is a picture in a smaller size, on white. It is halved until it is at most twice as large, each pixel being
// the mean of four: the kernels of x/image that do it at once keep 32 bytes for each row of the source and column of
// the result, which is hundreds of megabytes for a high picture.
func scaled(img image.Image, width, height int) *image.RGBA {
	for b := img.Bounds(); b.Dx() > 2*width; b = img.Bounds() {
		img = resampled(img, (b.Dx()+1)/2, (b.Dy()+1)/2)
	}
	return resampled(img, width, height)
}

func resampled(img image.Image, width, height int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(out, out.Bounds(), img, img.Bounds(), draw.Over, nil)
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
