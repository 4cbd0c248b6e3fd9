package webp

import "image"

// plane is one color of a picture in whole macroblocks. It has one column more at the left, four
// more at the right and one row more above, for predictions at the edges (section 12.2).
type plane struct {
	pix    []uint8
	stride int
	width  int
}

const (
	leftEdge, rightEdge = 1, 4
	besideAll, aboveAll = 129, 127
)

func newPlane(width, height int) *plane {
	p := &plane{stride: leftEdge + width + rightEdge, width: width}
	p.pix = make([]uint8, p.stride*(height+1))
	for i := range p.stride {
		p.pix[i] = aboveAll
	}
	for y := 1; y <= height; y++ {
		p.pix[y*p.stride] = besideAll
	}
	return p
}

// at is the index of a pixel.
func (p *plane) at(x, y int) int { return (y+1)*p.stride + leftEdge + x }

// above is the row above a block.
func (p *plane) above(x, y, size int) []uint8 {
	at := p.at(x, y-1)
	return p.pix[at : at+size]
}

// set sets a block.
func (p *plane) set(x, y, size int, block []uint8) {
	at := p.at(x, y)
	for j := range size {
		copy(p.pix[at:at+size], block[j*size:])
		at += p.stride
	}
}

// closeRow repeats the last pixel of a row to its right, where the row below is predicted from.
func (p *plane) closeRow(y int) {
	at := p.at(p.width, y)
	for i := range rightEdge {
		p.pix[at+i] = p.pix[at-1]
	}
}

// difference is the distance of a block from one of the same size in another plane: the sum of
// squares.
func difference(a []uint8, strideA int, b []uint8, strideB, size int) (sum int) {
	for range size {
		rowA, rowB := a[:size], b[:size]
		for i, v := range rowA {
			d := int(v) - int(rowB[i])
			sum += d * d
		}
		if len(a) > strideA {
			a = a[strideA:]
		}
		if len(b) > strideB {
			b = b[strideB:]
		}
	}
	return sum
}

// split makes the planes of a picture: luma, and both kinds of chroma in half its size (BT.601, as
// all readers of WebP expect). Macroblocks that extend beyond the edge repeat the last pixels.
func split(img *image.RGBA, columns, rows int) (y, u, v *plane) {
	y, u, v = newPlane(16*columns, 16*rows), newPlane(8*columns, 8*rows), newPlane(8*columns, 8*rows)
	size := img.Bounds().Size()
	pixel := func(px, py int) (r, g, b int) {
		at := min(py, size.Y-1)*img.Stride + 4*min(px, size.X-1)
		return int(img.Pix[at]), int(img.Pix[at+1]), int(img.Pix[at+2])
	}
	for py := 0; py < 16*rows; py += 2 {
		for px := 0; px < 16*columns; px += 2 {
			var r, g, b int
			for i := range 4 {
				x1, y1 := px+i%2, py+i/2
				r1, g1, b1 := pixel(x1, y1)
				light := (16839*r1 + 33059*g1 + 6420*b1 + 1<<15 + 16<<16) >> 16
				y.pix[y.at(x1, y1)] = uint8(light) //nolint:gosec // 16 to 235
				r, g, b = r+r1, g+g1, b+b1
			}
			const middle = 128<<18 + 1<<17
			u.pix[u.at(px/2, py/2)] = uint8((-9719*r - 19081*g + 28800*b + middle) >> 18) //nolint:gosec // 16 to 240
			v.pix[v.at(px/2, py/2)] = uint8((28800*r - 24116*g - 4684*b + middle) >> 18)  //nolint:gosec // 16 to 240
		}
	}
	return y, u, v
}
