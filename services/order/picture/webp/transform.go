package webp

// steps are the divisors of the coefficients of a kind of block (section 9.6).
type steps struct {
	by, inverse, round [2]int32 // for the first coefficient, and for the others
}

// Division is multiplication by an inverse with this many fractional bits.
const pointBits = 17

// newSteps rounds up a remainder above that many 256ths of a step: less than half, since 0 is
// short.
func newSteps(dc, ac int32, up [2]int32) (s steps) {
	s.by = [2]int32{dc, ac}
	for i, by := range s.by {
		s.inverse[i], s.round[i] = 1<<pointBits/by, up[i]<<(pointBits-8)
	}
	return s
}

// divide turns coefficients into levels, from the first on, and the coefficients into those that a
// reader makes of the levels. last is the last level that is not 0, -1 if all are.
func (s *steps) divide(coefficients *[16]int32, first int, levels *[16]int16) (last int) {
	last = -1
	for n := first; n < 16; n++ {
		i, kind := zigzag[n], min(n, 1)
		c := coefficients[i]
		level := (max(c, -c)*s.inverse[kind] + s.round[kind]) >> pointBits
		if level == 0 {
			levels[n], coefficients[i] = 0, 0
			continue
		}
		if level = min(level, maxLevel); c < 0 {
			level = -level
		}
		levels[n], coefficients[i], last = int16(level), level*s.by[kind], n //nolint:gosec // at most maxLevel
	}
	return last
}

// transform makes coefficients of a block's residual.
func transform(source []uint8, stride int, predicted *[16]uint8) (out [16]int32) {
	var m [16]int32
	for i := range 4 {
		s, p := source[i*stride:i*stride+4], predicted[4*i:4*i+4]
		d0, d1 := int32(s[0])-int32(p[0]), int32(s[1])-int32(p[1])
		d2, d3 := int32(s[2])-int32(p[2]), int32(s[3])-int32(p[3])
		a0, a1, a2, a3 := d0+d3, d1+d2, d1-d2, d0-d3
		m[4*i] = (a0 + a1) * 8
		m[4*i+1] = (a2*2217 + a3*5352 + 1812) >> 9
		m[4*i+2] = (a0 - a1) * 8
		m[4*i+3] = (a3*2217 - a2*5352 + 937) >> 9
	}
	for i := range 4 {
		a0, a1, a2, a3 := m[i]+m[12+i], m[4+i]+m[8+i], m[4+i]-m[8+i], m[i]-m[12+i]
		out[i] = (a0 + a1 + 7) >> 4
		out[4+i] = (a2*2217 + a3*5352 + 12000) >> 16
		if a3 != 0 {
			out[4+i]++
		}
		out[8+i] = (a0 - a1 + 7) >> 4
		out[12+i] = (a3*2217 - a2*5352 + 51000) >> 16
	}
	return out
}

// restore adds the residual that coefficients stand for to a prediction (section 14.3), at a place
// of a plane.
func restore(c *[16]int32, predicted *[16]uint8, to []uint8, stride int) {
	const (
		c1 = 85627 // 65536 * cos(pi/8) * sqrt(2)
		c2 = 35468 // 65536 * sin(pi/8) * sqrt(2)
	)
	var m [16]int32
	for i := range 4 {
		a, b := c[i]+c[8+i], c[i]-c[8+i]
		d, e := c[4+i]*c2>>16-c[12+i]*c1>>16, c[4+i]*c1>>16+c[12+i]*c2>>16
		m[4*i], m[4*i+1], m[4*i+2], m[4*i+3] = a+e, b+d, b-d, a-e
	}
	for j := range 4 {
		dc := m[j] + 4
		a, b := dc+m[8+j], dc-m[8+j]
		d, e := m[4+j]*c2>>16-m[12+j]*c1>>16, m[4+j]*c1>>16+m[12+j]*c2>>16
		p, t := predicted[4*j:4*j+4], to[j*stride:j*stride+4]
		t[0] = clamp(int32(p[0]) + (a+e)>>3)
		t[1] = clamp(int32(p[1]) + (b+d)>>3)
		t[2] = clamp(int32(p[2]) + (b-d)>>3)
		t[3] = clamp(int32(p[3]) + (a-e)>>3)
	}
}

// transformDC makes coefficients of the first coefficients of sixteen blocks.
func transformDC(blocks *[16][16]int32) (out [16]int32) {
	var m [16]int32
	for i := range 4 {
		d0, d1, d2, d3 := blocks[4*i][0], blocks[4*i+1][0], blocks[4*i+2][0], blocks[4*i+3][0]
		a0, a1, a2, a3 := d0+d2, d1+d3, d1-d3, d0-d2
		m[4*i], m[4*i+1], m[4*i+2], m[4*i+3] = a0+a1, a3+a2, a3-a2, a0-a1
	}
	for i := range 4 {
		a0, a1, a2, a3 := m[i]+m[8+i], m[4+i]+m[12+i], m[4+i]-m[12+i], m[i]-m[8+i]
		out[i], out[4+i], out[8+i], out[12+i] = (a0+a1)>>1, (a3+a2)>>1, (a3-a2)>>1, (a0-a1)>>1
	}
	return out
}

// restoreDC puts back the first coefficients of sixteen blocks (section 14.3).
func restoreDC(c *[16]int32, blocks *[16][16]int32) {
	var m [16]int32
	for i := range 4 {
		a0, a1, a2, a3 := c[i]+c[12+i], c[4+i]+c[8+i], c[4+i]-c[8+i], c[i]-c[12+i]
		m[i], m[4+i], m[8+i], m[12+i] = a0+a1, a3+a2, a0-a1, a3-a2
	}
	for i := range 4 {
		dc := m[4*i] + 3
		a0, a1, a2, a3 := dc+m[4*i+3], m[4*i+1]+m[4*i+2], m[4*i+1]-m[4*i+2], dc-m[4*i+3]
		blocks[4*i][0], blocks[4*i+1][0] = (a0+a1)>>3, (a3+a2)>>3
		blocks[4*i+2][0], blocks[4*i+3][0] = (a0-a1)>>3, (a3-a2)>>3
	}
}

func clamp(v int32) uint8 {
	if v < 0 {
		return 0
	}
	if v > 255 {
		return 255
	}
	return uint8(v)
}
