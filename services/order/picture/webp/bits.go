package webp

import (
	"math"
	mathbits "math/bits"
)

// even is the probability of a bit that is as likely 0 as 1.
const even = 128

// bits writes bits, each with the probability in 256 that it is 0 (section 7).
type bits struct {
	out   []byte
	low   uint64 // bits that are not written yet
	width uint32 // width of the interval, less one
	have  int    // number of bits in low that are ready, less eight
	ones  int    // number of bytes 0xff that wait for a carry
	begun bool
}

// put writes a bit.
func (b *bits) put(bit bool, prob uint8) {
	if !b.begun {
		b.width, b.have, b.begun = 254, -8, true
	}
	split := b.width * uint32(prob) >> 8
	if bit {
		b.low += uint64(split + 1)
		b.width -= split + 1
	} else {
		b.width = split
	}
	if b.width >= 127 {
		return
	}
	shift := mathbits.LeadingZeros8(uint8(b.width + 1)) //nolint:gosec // below 128
	b.width = (b.width+1)<<shift - 1
	b.low <<= shift
	if b.have += shift; b.have > 0 {
		b.flush()
	}
}

// flush writes the byte that is ready, with its carry into the bytes before.
func (b *bits) flush() {
	shift := 8 + b.have
	ready := b.low >> shift
	b.low -= ready << shift
	b.have -= 8
	if ready&0xff == 0xff {
		b.ones++
		return
	}
	fill := byte(0xff)
	if ready&0x100 != 0 {
		fill = 0
		if len(b.out) > 0 {
			b.out[len(b.out)-1]++
		}
	}
	for ; b.ones > 0; b.ones-- {
		b.out = append(b.out, fill)
	}
	b.out = append(b.out, byte(ready)) //nolint:gosec // its carry has been passed on
}

// uniform writes a number of n bits, the highest first.
func (b *bits) uniform(value uint32, n int) {
	for n--; n >= 0; n-- {
		b.put(value>>n&1 == 1, even)
	}
}

// end is everything that was written.
func (b *bits) end() []byte {
	b.uniform(0, 9-b.have)
	b.have = 0
	b.flush()
	return b.out
}

// costs is the cost of a bit 0 in 1/256 bit, by its probability; a bit 1 costs as much as a bit 0
// with 256 less the probability.
var costs = func() (c [257]int) {
	for p := 1; p < 257; p++ {
		c[p] = int(math.Round(-256 * math.Log2(float64(p)/256)))
	}
	c[0] = 8 * 256
	return c
}()

func cost(bit bool, prob uint8) int {
	if bit {
		return costs[256-int(prob)]
	}
	return costs[prob]
}
