// Package picture turns an uploaded file, or that was fetched from another server,
// into the files that the shop stores: JPEG in several widths, and the same as WebP (package webp).
// Where and when they are stored is up to package order.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // people upload these, too
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/webp"

	"github.com/startupwebapp/startupwebapp/pkg/media"
)

const (
	// MaxBytes is the largest file of a picture that is accepted.
	MaxBytes = 24 << 20
	// maxSide, maxPixels and maxMemory bound a picture before it is decoded. The last one is for
	// everything that is made from it, and decides for formats that need much memory for each
	// pixel.
	maxSide   = 12_000
	maxPixels = 40_000_000
	maxMemory = 160 << 20
)

// Refusal says why a file is not accepted, in words for staff. It is permanent.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return string(r) }

// decode reads a picture, and the orientation of its camera. The size is checked before decoding,
// so that a small file cannot take all memory.
func decode(body []byte) (img image.Image, orientation int, err error) {
	if len(body) > MaxBytes {
		return nil, 0, Refusal(fmt.Sprintf("It is larger than %d MB.", MaxBytes>>20))
	}
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(body))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, 0, Refusal("It is not a JPEG, PNG, WebP or GIF.")
	case err != nil || cfg.Width < 1 || cfg.Height < 1:
		return nil, 0, Refusal("It is damaged.")
	case cfg.Width > maxSide || cfg.Height > maxSide || cfg.Width*cfg.Height > maxPixels:
		return nil, 0, Refusal(fmt.Sprintf("It has %d × %d pixels; the limit is %d million.", cfg.Width, cfg.Height,
			maxPixels/1_000_000))
	}

	if kind == "jpeg" {
		orientation = exifOrientation(body)
	}
	if memory(cfg, kind, orientation, body) > maxMemory {
		return nil, 0, Refusal(fmt.Sprintf("It has %d × %d pixels and takes too much memory. Make it smaller first.",
			cfg.Width, cfg.Height))
	}
	if img, _, err = image.Decode(bytes.NewReader(body)); err != nil {
		return nil, 0, Refusal("It is damaged.")
	}

	return img, orientation, nil
}

// memory is how many bytes decoding a picture and making its sizes takes at most.
func memory(cfg image.Config, kind string, orientation int, body []byte) int {
	pixels, copies := cfg.Width*cfg.Height, 2 // the largest size, and all smaller ones
	width, height := cfg.Width, cfg.Height
	if orientation > 4 {
		width, height = height, width
	}
	if width > media.MaxWidth {
		width, height = media.MaxWidth, max(height*media.MaxWidth/width, 1)
	}
	if orientation > 1 {
		copies++ // the picture is turned
	}
	// Each halving has a quarter of the pixels of the one before, with four bytes each.
	return pixels*unpackedBytes(cfg, kind, body) + pixels*4/3 + width*height*4*copies
}

// unpackedBytes is how many bytes for each pixel a decoder takes at most.
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
		each *= 2 // passes of an interlaced PNG (PNG specification, 11.2.1), and WebP's data beside the pixels
	case kind == "jpeg":
		if cfg.ColorModel == color.RGBAModel {
			each += 3 // the pixels that it is converted from
		}
		each += progressiveBytes(body)
	}
	return each
}

// progressiveBytes is how many bytes for each pixel the decoder keeps beside the pixels: for a
// progressive JPEG (ITU-T T.81, frame header SOF2) all coefficients, with four bytes each.
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
