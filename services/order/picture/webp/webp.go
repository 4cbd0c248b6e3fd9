// Package webp writes pictures as lossy WebP: one key frame of VP8 (RFC 6386, whose sections are
// named here) in a container. golang.org/x/image reads such files but cannot write them; the other
// writers for Go are libwebp, by cgo or as WebAssembly, which needs memory that is both writable
// and executable.
package webp

import (
	"encoding/binary"
	"errors"
	"image"
	"math"
)

// MostSide is the greatest width and height of a picture.
const MostSide = 1<<14 - 1

const (
	// maxModes and maxTokens are the largest sizes of the two parts of a frame in bytes (section
	// 9.1, and the limits of decoders).
	maxModes  = 1<<19 - 1
	maxTokens = 1<<24 - 1
)

var (
	errSides = errors.New("webp: a side is empty or too long")
	errLong  = errors.New("webp: the picture has too much detail")
)

// Encode writes a picture in a quality from 0 to 100, which means the same as for libwebp.
// Transparency is ignored.
func Encode(img *image.RGBA, quality int) ([]byte, error) {
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > MostSide || size.Y > MostSide {
		return nil, errSides
	}
	f := newFrame(img, quantizer(quality))
	for y := range f.rows {
		f.codeRow(y)
	}
	return f.file(size)
}

// quantizer is the index of steps for a quality. Halving it four times makes a picture about half
// as large.
func quantizer(quality int) int {
	c := float64(min(max(quality, 0), 100)) / 100
	if c < 0.75 {
		c *= 2.0 / 3
	} else {
		c = 2*c - 1
	}
	return int(127 * (1 - math.Cbrt(c)))
}

// file puts a coded frame into a file.
func (f *frame) file(size image.Point) ([]byte, error) {
	probs, updates := f.tokens.better()
	modes, tokens := f.header(probs, updates), f.tokens.write(probs)
	if len(modes) > maxModes || len(tokens) > maxTokens {
		return nil, errLong
	}
	const head, tag = 12 + 8, 10 // of the container and its only chunk; of the frame
	length := tag + len(modes) + len(tokens)
	out := make([]byte, 0, head+length+1)
	out = append(out, "RIFF"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(head-8+length+length%2)) //nolint:gosec // bounded above
	out = append(out, "WEBPVP8 "...)
	out = binary.LittleEndian.AppendUint32(out, uint32(length)) //nolint:gosec // bounded above
	first := uint32(1<<4 | len(modes)<<5)                       //nolint:gosec // a key frame, which is shown
	out = binary.LittleEndian.AppendUint32(out, first|0x9d<<24)
	out = append(out, 0x01, 0x2a)
	out = binary.LittleEndian.AppendUint16(out, uint16(size.X)) //nolint:gosec // at most MostSide
	out = binary.LittleEndian.AppendUint16(out, uint16(size.Y)) //nolint:gosec // at most MostSide
	out = append(append(out, modes...), tokens...)
	if length%2 == 1 {
		out = append(out, 0)
	}
	return out, nil
}

// header writes the first part of a frame (section 9): its settings, and the prediction of each
// macroblock.
func (f *frame) header(probs *tokenProbs, updates *[tokenCount]bool) []byte {
	var b bits
	b.uniform(0, 1+1)      // colors are as usual, and are clamped
	b.uniform(0, 1)        // no segments
	b.uniform(0, 1)        // the normal filter of edges
	b.uniform(f.filter, 6) // its strength
	b.uniform(0, 3+1)      // no sharpness, the same for all

	b.uniform(0, 2)                   // tokens are in one part
	b.uniform(uint32(f.quantizer), 7) //nolint:gosec // 0 to 127
	b.uniform(0, 5+1)                 // the same for all kinds; nothing is kept for a next frame
	at := 0
	for plane := range updateProbs {
		for band := range updateProbs[plane] {
			for context := range updateProbs[plane][band] {
				for _, prob := range updateProbs[plane][band][context] {
					if b.put(updates[at], prob); updates[at] {
						b.uniform(uint32(probs[at]), 8)
					}
					at++
				}
			}
		}
	}

	skipped := 0
	for i := range f.blocks {
		if f.blocks[i].skip {
			skipped++
		}
	}

	if b.put(skipped > 0, even); skipped > 0 {
		f.skipProb = uint8(min(max(255*(len(f.blocks)-skipped)/len(f.blocks), 1), 254)) //nolint:gosec // bounded
		b.uniform(uint32(f.skipProb), 8)
	}
	f.writeModes(&b)
	return b.end()
}
