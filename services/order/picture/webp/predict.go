package webp

// The predictions of a block from the pixels above and to the left of it (section 12). Blocks of 16
// and 8 pixels have the first four.
const (
	byMean = iota
	byDifference
	byAbove
	byLeft
	byRightDown
	byVerticalRight
	byLeftDown
	byVerticalLeft
	byHorizontalDown
	byHorizontalUp

	modes16 = 4
	modes4  = 10
)

// predict predicts a block of 16 or 8 pixels at a place of a plane.
func predict(p *plane, x, y, size, mode int, out []uint8) {
	above, left := p.above(x, y, size), p.at(x-1, y)
	switch mode {
	case byMean:
		mean := p.mean(x, y, size)
		for i := range size * size {
			out[i] = mean
		}
	case byAbove:
		for j := range size {
			copy(out[j*size:(j+1)*size], above)
		}
	case byLeft:
		for j := range size {
			v := p.pix[left+j*p.stride]
			for i := range size {
				out[j*size+i] = v
			}
		}
	case byDifference:
		corner := int32(p.pix[p.at(x-1, y-1)])
		for j := range size {
			d := int32(p.pix[left+j*p.stride]) - corner
			row := out[j*size : (j+1)*size]
			for i := range row {
				row[i] = clamp(int32(above[i]) + d)
			}
		}
	}
}

// mean is the mean of the pixels above and to the left, as far as there are any.
func (p *plane) mean(x, y, size int) uint8 {
	sum, n := 0, 0
	if y > 0 {
		for _, v := range p.above(x, y, size) {
			sum += int(v)
		}
		n += size
	}
	if x > 0 {
		for j := range size {
			sum += int(p.pix[p.at(x-1, y+j)])
		}
		n += size
	}
	if n == 0 {
		return 128
	}
	return uint8((sum + n/2) / n) //nolint:gosec // a mean of bytes
}

// around are the pixels around a block of 4 pixels: from the lower left up to the corner, and on to
// the upper right.
type around [13]int32

// The indexes of around: the corner, and the pixels to its left and right.
const (
	corner = 4
	above  = 5
)

// predict4 predicts a block of 4 pixels.
func predict4(e *around, mode int, out *[16]uint8) {
	switch mode {
	case byMean:
		sum := int32(4)
		for i := range 4 {
			sum += e[i] + e[above+i]
		}
		for i := range out {
			out[i] = uint8(sum >> 3) //nolint:gosec // a mean of bytes
		}
	case byDifference:
		for j := range 4 {
			for i := range 4 {
				out[4*j+i] = clamp(e[above+i] + e[corner-1-j] - e[corner])
			}
		}
	case byAbove:
		for i := range 4 {
			v := e.three(above + i)
			out[i], out[4+i], out[8+i], out[12+i] = v, v, v, v
		}
	case byLeft:
		for j := range 4 {
			v := uint8((e[1] + 3*e[0] + 2) >> 2) //nolint:gosec // a mean of bytes
			if j < 3 {
				v = e.three(corner - 1 - j)
			}
			for i := range 4 {
				out[4*j+i] = v
			}
		}
	default:
		e.diagonal(mode, out)
	}
}

// two and three are means of neighbors: of a pixel and the next one, and of a pixel, counted twice,
// and those beside it.
func (e *around) two(i int) uint8   { return uint8((e[i] + e[i+1] + 1) >> 1) }            //nolint:gosec // of bytes
func (e *around) three(i int) uint8 { return uint8((e[i-1] + 2*e[i] + e[i+1] + 2) >> 2) } //nolint:gosec // of bytes

// last3 is three at the upper right, where there is no further pixel.
func (e *around) last3() uint8 { return uint8((e[11] + 3*e[12] + 2) >> 2) } //nolint:gosec // of bytes

// diagonal predicts along a diagonal.
func (e *around) diagonal(mode int, out *[16]uint8) {
	for j := range 4 {
		for i := range 4 {
			var v uint8
			switch mode {
			case byRightDown:
				v = e.three(corner + i - j)
			case byLeftDown:
				if v = e.last3(); i+j < 6 {
					v = e.three(above + 1 + i + j)
				}
			case byVerticalRight:
				v = e.verticalRight(i, j)
			case byVerticalLeft:
				v = e.verticalLeft(i, j)
			case byHorizontalDown:
				v = e.horizontalDown(i, j)
			case byHorizontalUp:
				v = e.horizontalUp(i, j)
			}
			out[4*j+i] = v
		}
	}
}

func (e *around) verticalRight(i, j int) uint8 {
	switch at := 2*i - j; {
	case at < -1: // below the corner
		return e.three(corner + 1 + at)
	case at == -1:
		return e.three(corner)
	case at%2 == 0:
		return e.two(corner + at/2)
	default:
		return e.three(above + at/2)
	}
}

func (e *around) verticalLeft(i, j int) uint8 {
	switch {
	case i == 3 && j == 3:
		return e.three(above + 6)
	case i == 3 && j == 2:
		return e.three(above + 5)
	case j%2 == 0:
		return e.two(above + i + j/2)
	default:
		return e.three(above + 1 + i + j/2)
	}
}

func (e *around) horizontalDown(i, j int) uint8 {
	switch at := 2*j - i; {
	case at < -1: // right of the corner
		return e.three(corner - 1 - at)
	case at == -1:
		return e.three(corner)
	case at%2 == 0:
		return e.two(corner - 1 - at/2)
	default:
		return e.three(corner - 1 - at/2)
	}
}

func (e *around) horizontalUp(i, j int) uint8 {
	switch at := i + 2*j; {
	case at > 5:
		return uint8(e[0]) //nolint:gosec // a byte
	case at == 5:
		return uint8((e[1] + 3*e[0] + 2) >> 2) //nolint:gosec // a mean of bytes
	case at%2 == 0:
		return e.two(corner - 2 - at/2)
	default:
		return e.three(corner - 2 - at/2)
	}
}
