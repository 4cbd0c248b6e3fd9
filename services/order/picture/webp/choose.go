package webp

import (
	"math"
	"slices"
)

// choice is a way to code the luma of a macroblock.
type choice struct {
	block macroblock
	coded coded
	made  [256]uint8
}

// try16 is the best prediction of 16 × 16 pixels in one piece.
func (f *frame) try16(x, y int) (best choice, worth int) {
	source, worth := f.source[0], math.MaxInt
	at := source.at(16*x, 16*y)
	for mode := range modes16 {
		var c choice
		var predicted [256]uint8
		predict(f.made[0], 16*x, 16*y, 16, mode, predicted[:])
		var blocks [16][16]int32
		var of [16][16]uint8
		for i := range blocks {
			part4(predicted[:], 16, i, &of[i])
			blocks[i] = transform(source.pix[at+i/4*4*source.stride+i%4*4:], source.stride, &of[i])
		}

		dc := transformDC(&blocks)
		c.coded.dc.last = f.steps[lumaDC].divide(&dc, 0, &c.coded.dc.of)
		restoreDC(&dc, &blocks)
		for i := range blocks {
			b := &c.coded.luma[i]
			b.last = f.steps[lumaAfterDC].divide(&blocks[i], 1, &b.of)
			restore(&blocks[i], &of[i], c.made[i/4*64+i%4*4:], 16)
		}

		over, beside := f.over[x], f.beside
		f.tokens.counting, f.tokens.taken = true, costMode16[mode]
		f.writeLuma(&c.coded, false, &over, &beside)
		if w := f.worth(difference(source.pix[at:], source.stride, c.made[:], 16, 16), f.tokens.taken); w < worth {
			c.block.mode = uint8(mode)
			best, worth = c, w
		}
	}
	return best, worth
}

// part4 copies a block of 4 pixels, the i-th of a square with a side of this many pixels.
func part4(from []uint8, side, i int, to *[16]uint8) {
	at := i/(side/4)*4*side + i%(side/4)*4
	for j := range 4 {
		copy(to[4*j:4*j+4], from[at+j*side:])
	}
}

// fullyTried is how many predictions of a block of 4 are coded completely: those that are nearest
// to the source.
const fullyTried = 4

// try4 is the best prediction of each block of 4 pixels by itself, if it is better than limit. The
// result is in the plane.
func (f *frame) try4(x, y, limit int) (c choice, worth int) {
	c.block.small = true
	over, beside := f.over[x], f.beside
	upModes, leftModes := over.modes, beside.modes
	worth = f.worth(0, costSmall)
	for i := range 16 {
		up, left := &over.luma[i%4], &beside.luma[i/4]
		mode, w := f.tryBlock(16*x+i%4*4, 16*y+i/4*4, i, *up+*left, &modeCosts[upModes[i%4]][leftModes[i/4]],
			&c.coded.luma[i])
		if worth += w; worth >= limit {
			return c, math.MaxInt
		}
		*up = flag(c.coded.luma[i].last >= 0)
		*left = *up
		c.block.modes[i], upModes[i%4], leftModes[i/4] = mode, mode, mode
	}
	return c, worth
}

// tryBlock codes a block of 4 pixels in the best way.
func (f *frame) tryBlock(x, y, i, context int, modeCost *[modes4]int, b *levels) (best uint8, worth int) {
	source, made := f.source[0], f.made[0]
	from, to := source.at(x, y), made.at(x, y)
	e := made.around(x, y, i)
	var predicted [modes4][16]uint8
	type rough struct{ mode, worth int }
	var order [modes4]rough
	for mode := range modes4 {
		predict4(&e, mode, &predicted[mode])
		order[mode] = rough{mode, f.worth(difference(source.pix[from:], source.stride, predicted[mode][:], 4, 4),
			modeCost[mode])}
	}

	slices.SortFunc(order[:], func(a, b rough) int { return a.worth - b.worth })
	var kept [16]uint8
	worth = math.MaxInt
	for _, try := range order[:fullyTried] {
		var l levels
		var result [16]uint8
		c := transform(source.pix[from:], source.stride, &predicted[try.mode])
		l.last = f.steps[luma].divide(&c, 0, &l.of)
		restore(&c, &predicted[try.mode], result[:], 4)
		f.tokens.counting, f.tokens.taken = true, modeCost[try.mode]
		f.tokens.block(luma, context, 0, &l.of, l.last)
		w := f.worth(difference(source.pix[from:], source.stride, result[:], 4, 4), f.tokens.taken)
		if w < worth {
			best, worth, *b, kept = uint8(try.mode), w, l, result //nolint:gosec // below modes4
		}
	}

	for j := range 4 {
		copy(made.pix[to+j*made.stride:], kept[4*j:4*j+4])
	}
	return best, worth
}

// around are the pixels around a block of 4 pixels, the i-th of its macroblock. There is nothing
// yet to the right of the macroblock, so blocks there use the row above it.
func (p *plane) around(x, y, i int) (e around) {
	for j := range 4 {
		e[corner-1-j] = int32(p.pix[p.at(x-1, y+j)])
	}
	at := p.at(x-1, y-1)
	for j := range 5 {
		e[corner+j] = int32(p.pix[at+j])
	}
	at += 5
	if i%4 == 3 {
		at -= i / 4 * 4 * p.stride
	}
	for j := range 4 {
		e[above+4+j] = int32(p.pix[at+j])
	}
	return e
}

// tryChroma codes chroma in the best way, and puts it into the planes.
func (f *frame) tryChroma(x, y int, c *coded) (best uint8) {
	worth := math.MaxInt
	var kept [2][64]uint8
	for mode := range modes16 {
		var result [2][64]uint8
		var try coded
		apart := 0
		for k := range 2 {
			source := f.source[1+k]
			at := source.at(8*x, 8*y)
			var predicted [64]uint8
			predict(f.made[1+k], 8*x, 8*y, 8, mode, predicted[:])
			for i := range 4 {
				var of [16]uint8
				part4(predicted[:], 8, i, &of)
				block := transform(source.pix[at+i/2*4*source.stride+i%2*4:], source.stride, &of)
				b := &try.chroma[4*k+i]
				b.last = f.steps[chroma].divide(&block, 0, &b.of)
				restore(&block, &of, result[k][i/2*32+i%2*4:], 8)
			}
			apart += difference(source.pix[at:], source.stride, result[k][:], 8, 8)
		}

		over, beside := f.over[x], f.beside
		f.tokens.counting, f.tokens.taken = true, costHue[mode]
		f.writeChroma(&try, &over, &beside)
		if w := f.worth(apart, f.tokens.taken); w < worth {
			best, worth, kept, c.chroma = uint8(mode), w, result, try.chroma
		}
	}

	for k := range 2 {
		f.made[1+k].set(8*x, 8*y, 8, kept[k][:])
	}
	return best
}
