package picture

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"iter"

	"golang.org/x/image/draw"

	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/services/order/picture/webp"
)

const (
	// jpegQuality is the quality at which a product's picture cannot be told from the original at
	// its size.
	jpegQuality = 82
	// webpQuality is the quality at which a product's picture looks like its JPEG.
	webpQuality = 80
	// maxWebPPixels bounds the memory for making a WebP, some 15 bytes for each pixel. Larger
	// pictures, which are more than twice as high as wide, stay JPEGs in their largest width.
	maxWebPPixels = 8_000_000
)

// ErrNoWebP says that no WebP can ever be made of a picture.
var ErrNoWebP = errors.New("no WebP can be made of the picture")

// Sized is a picture in its stored widths.
type Sized struct {
	Hash  string         // of the largest one
	Width int            // of the largest one
	Files map[int][]byte // JPEG, by width
}

// Name is the name of its largest file.
func (p Sized) Name() string { return media.Name(p.Hash, p.Width) }

// Resize makes JPEGs of a picture. They contain nothing of the file but its pixels: neither where a
// photo was taken, nor with which camera. Transparent pixels become white. The error is a Refusal
// if the file is to blame.
func Resize(body []byte) (p Sized, err error) {
	img, orientation, err := decode(body)
	if err != nil {
		return p, err
	}
	bounds, turned := img.Bounds(), orientation > 4
	width, height := bounds.Dx(), bounds.Dy()
	if turned {
		width, height = height, width
	}

	if width > media.MaxWidth {
		width, height = media.MaxWidth, max(height*media.MaxWidth/width, 1)
	}
	var source *image.RGBA
	if turned {
		source = upright(scaled(img, height, width), orientation)
	} else {
		source = upright(scaled(img, width, height), orientation)
	}

	p = Sized{Width: width, Files: map[int][]byte{}}
	for width, small := range sizes(source, p.Width) {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: jpegQuality}); err != nil {
			return p, fmt.Errorf("encode a picture: %w", err)
		}
		p.Files[width] = out.Bytes()
	}
	sum := sha256.Sum256(p.Files[p.Width])
	p.Hash = hex.EncodeToString(sum[:16])
	return p, nil
}

// WebPs makes the WebP of a picture in each width, the largest last, from its largest JPEG. Each is
// handed to keep before the next one is made, so that memory is bounded.
func WebPs(body []byte, own int, keep func(width int, file []byte) error) error {
	img, err := jpeg.Decode(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoWebP, err)
	}
	source := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(source, source.Bounds(), img, img.Bounds().Min, draw.Src)
	for width, small := range sizes(source, own) {
		if width*small.Bounds().Dy() > maxWebPPixels {
			return fmt.Errorf("%w: it is too high", ErrNoWebP)
		}
		file, err := webp.Encode(small, webpQuality)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoWebP, err)
		}
		if err := keep(width, file); err != nil {
			return err
		}
	}
	return nil
}

// sizes are the widths in which a picture is stored, with the picture in each, one after the other.
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

// scaled is a picture in a smaller size, on white. It is halved until it is at most twice as large,
// each pixel being the mean of four: the kernels of x/image that scale in one step keep 32 bytes
// for each row of the source and column of the result, which is hundreds of megabytes for a high
// picture.
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
