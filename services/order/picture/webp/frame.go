package webp

import (
	"image"
	"slices"
)

// frame is a picture that is being coded.
type frame struct {
	columns, rows int // of macroblocks

	source, made [3]*plane // luma and chroma, and what a reader decodes
	quantizer    int
	filter       uint32 // how strongly edges of blocks are smoothed
	skipProb     uint8  // probability of a macroblock with a residual; 0 if all have one
	steps        [planes]steps
	price        int // price of 256 bits, in squares of differences

	tokens *tokens
	blocks []macroblock
	// over and beside are what blocks know about the blocks above and to the left.
	over   []neighbor
	beside neighbor
}

// macroblock is the prediction of 16 × 16 pixels.
type macroblock struct {
	small bool // each block of 4 is predicted by itself
	skip  bool // there is no residual
	mode  uint8
	modes [16]uint8
	hue   uint8 // prediction of chroma
}

// neighbor is what is known about a macroblock at its lower or right edge: which blocks have
// coefficients, and how they are predicted.
type neighbor struct {
	luma   [4]int
	chroma [4]int // two blocks of each kind
	dc     int
	modes  [4]uint8
}

// upLuma and the others are how much of a step is rounded up, in 256ths: for first coefficients and
// others.
var (
	upLuma   = [2]int32{96, 104}
	upDC     = [2]int32{96, 104}
	upChroma = [2]int32{110, 112}
)

func newFrame(img *image.RGBA, quantizer int) *frame {
	size := img.Bounds().Size()
	f := &frame{columns: (size.X + 15) / 16, rows: (size.Y + 15) / 16, quantizer: quantizer, tokens: newTokens()}
	f.source[0], f.source[1], f.source[2] = split(img, f.columns, f.rows)
	f.made = [3]*plane{newPlane(16*f.columns, 16*f.rows), newPlane(8*f.columns, 8*f.rows),
		newPlane(8*f.columns, 8*f.rows)}
	dc, ac := dcSteps[quantizer], acSteps[quantizer]
	f.steps = [planes]steps{lumaAfterDC: newSteps(dc, ac, upLuma), luma: newSteps(dc, ac, upLuma),
		lumaDC: newSteps(dc*2, max(ac*155/100, 8), upDC),
		chroma: newSteps(dcSteps[min(quantizer, 117)], ac, upChroma)}
	f.filter = uint32(min(ac>>2*300>>8, 63)) //nolint:gosec // about the width of the steps
	f.price = max(int(ac*ac)*priceOfStep/128, 1)
	f.blocks = make([]macroblock, 0, f.columns*f.rows)
	f.over = make([]neighbor, f.columns)
	return f
}

// priceOfStep is how many 128ths of the square of a step a bit may cost.
const priceOfStep = 3

// worth is the cost of a choice: its distance from the source, and its length in 1/256 bit.
func (f *frame) worth(difference, taken int) int { return difference<<8 + taken*f.price }

// codeRow codes a row of macroblocks.
func (f *frame) codeRow(y int) {
	f.beside = neighbor{}
	for x := range f.columns {
		f.blocks = append(f.blocks, f.code(x, y))
	}
	f.made[0].closeRow(16*y + 15)
}

// coded are the levels of a macroblock, with the last one of each block that is not 0.
type coded struct {
	luma   [16]levels
	chroma [8]levels
	dc     levels
}

type levels struct {
	of   [16]int16
	last int
}

// code codes a macroblock.
func (f *frame) code(x, y int) macroblock {
	big, worthBig := f.try16(x, y)
	keep := big.block
	now := &big.coded
	if small, worthSmall := f.try4(x, y, worthBig); worthSmall < worthBig {
		keep, now = small.block, &small.coded
	} else {
		f.made[0].set(16*x, 16*y, 16, big.made[:])
	}

	keep.hue = f.tryChroma(x, y, now)
	keep.skip = now.empty(keep.small)
	over := &f.over[x]
	if keep.small {
		copy(over.modes[:], keep.modes[12:])
		f.beside.modes = [4]uint8{keep.modes[3], keep.modes[7], keep.modes[11], keep.modes[15]}
	} else {
		over.modes = [4]uint8{keep.mode, keep.mode, keep.mode, keep.mode}
		f.beside.modes = over.modes
	}

	if keep.skip {
		over.luma, over.chroma, f.beside.luma, f.beside.chroma = [4]int{}, [4]int{}, [4]int{}, [4]int{}
		if !keep.small {
			over.dc, f.beside.dc = 0, 0
		}
		return keep
	}

	f.tokens.counting = false
	f.writeLuma(now, keep.small, over, &f.beside)
	f.writeChroma(now, over, &f.beside)
	return keep
}

func (c *coded) empty(small bool) bool {
	if !small && c.dc.last >= 0 {
		return false
	}
	has := func(l levels) bool { return l.last >= 0 }
	return !slices.ContainsFunc(c.luma[:], has) && !slices.ContainsFunc(c.chroma[:], has)
}

// writeLuma writes the levels of luma, and tells neighbors which blocks have any.
func (f *frame) writeLuma(c *coded, small bool, over, beside *neighbor) {
	plane, first := luma, 0
	if !small {
		f.tokens.block(lumaDC, over.dc+beside.dc, 0, &c.dc.of, c.dc.last)
		has := flag(c.dc.last >= 0)
		over.dc, beside.dc = has, has
		plane, first = lumaAfterDC, 1
	}
	for i := range c.luma {
		b, up, left := &c.luma[i], &over.luma[i%4], &beside.luma[i/4]
		f.tokens.block(plane, *up+*left, first, &b.of, b.last)
		*up = flag(b.last >= 0)
		*left = *up
	}
}

func (f *frame) writeChroma(c *coded, over, beside *neighbor) {
	for i := range c.chroma {
		b, up, left := &c.chroma[i], &over.chroma[i/4*2+i%2], &beside.chroma[i/4*2+i%4/2]
		f.tokens.block(chroma, *up+*left, 0, &b.of, b.last)
		*up = flag(b.last >= 0)
		*left = *up
	}
}

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}
