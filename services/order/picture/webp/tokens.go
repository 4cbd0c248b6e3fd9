package webp

const (
	planes, bands, contexts, nodes = 4, 8, 3, 11

	tokenCount = planes * bands * contexts * nodes
)

// The kinds of blocks (section 13.3).
const (
	lumaAfterDC = iota // its first coefficient is in the block of first coefficients
	lumaDC
	chroma
	luma
)

// tokenProbs are the probabilities of tokens, in one row.
type tokenProbs [tokenCount]uint8

// bandOf is the band of each coefficient, in the order in which they are written.
var bandOf = [17]int{0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0}

// zigzag is the place of each coefficient, in the order in which they are written.
var zigzag = [16]int{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}

// categories are large values: the smallest of each, and the probabilities of the bits that follow
// (section 13.2).
var categories = [4]struct {
	from int
	bits []uint8
}{{11, []uint8{173, 148, 140}}, {19, []uint8{176, 155, 140, 135}}, {35, []uint8{180, 157, 141, 134, 130}},
	{67, []uint8{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}}}

// maxLevel is the greatest value that is written.
const maxLevel = 67 + 1<<11 - 1

// tokens are the bits of coefficients, with the indexes of their probabilities, which are known
// when all bits are.
type tokens struct {
	counting bool // measures the length of bits without keeping them
	taken    int  // in 1/256 bit

	probs tokenProbs // for counting
	kept  []uint16
	seen  [tokenCount][2]int
}

// A kept token is the index of its probability, or the probability itself if it is constant.
const (
	isOne   = 1 << 15
	isFixed = 1 << 14
)

func newTokens() *tokens {
	t := &tokens{}
	at := 0
	for plane := range usualProbs {
		for band := range usualProbs[plane] {
			for context := range usualProbs[plane][band] {
				at += copy(t.probs[at:], usualProbs[plane][band][context][:])
			}
		}
	}
	return t
}

func (t *tokens) put(bit bool, at int) {
	if t.counting {
		t.taken += cost(bit, t.probs[at])
		return
	}
	if bit {
		t.seen[at][1]++
		t.kept = append(t.kept, isOne|uint16(at)) //nolint:gosec // below tokenCount
	} else {
		t.seen[at][0]++
		t.kept = append(t.kept, uint16(at)) //nolint:gosec // below tokenCount
	}
}

func (t *tokens) fixed(bit bool, prob uint8) {
	switch {
	case t.counting:
		t.taken += cost(bit, prob)
	case bit:
		t.kept = append(t.kept, isOne|isFixed|uint16(prob))
	default:
		t.kept = append(t.kept, isFixed|uint16(prob))
	}
}

// probsOf is the index of a coefficient's probabilities.
func probsOf(plane, band, context int) int { return ((plane*bands+band)*contexts + context) * nodes }

// block writes the coefficients of a block from the first on, in order; last is the last one that
// is not 0, -1 if all are. The context is how many of the blocks above and to the left have any.
func (t *tokens) block(plane, context, first int, levels *[16]int16, last int) {
	at := probsOf(plane, bandOf[first], context)
	t.put(last >= first, at)
	if last < first {
		return
	}

	for n := first; ; {
		level := int(levels[n])
		size := max(level, -level)
		n++
		t.put(size > 0, at+1)
		if size == 0 {
			at = probsOf(plane, bandOf[n], 0)
			continue
		}
		t.size(size, at)
		t.fixed(level < 0, even)
		if n == 16 {
			return
		}
		at = probsOf(plane, bandOf[n], min(size, 2))
		if t.put(last >= n, at); last < n {
			return
		}
	}
}

// size writes the absolute value of a coefficient that is not 0.
func (t *tokens) size(size, at int) {
	t.put(size > 1, at+2)
	if size == 1 {
		return
	}

	t.put(size > 4, at+3)
	if size <= 4 {
		if t.put(size > 2, at+4); size > 2 {
			t.put(size > 3, at+5)
		}
		return
	}

	t.put(size > 10, at+6)
	if size <= 10 {
		if t.put(size > 6, at+7); size > 6 {
			t.fixed(size > 8, 165)
			t.fixed(size%2 == 0, 145)
		} else {
			t.fixed(size > 5, 159)
		}
		return
	}

	kind := 0
	for kind < 3 && size >= categories[kind+1].from {
		kind++
	}
	t.put(kind > 1, at+8)
	t.put(kind%2 == 1, at+9+kind>>1)
	rest, probs := size-categories[kind].from, categories[kind].bits
	for i, prob := range probs {
		t.fixed(rest>>(len(probs)-1-i)&1 == 1, prob)
	}
}

// better are the probabilities that fit the kept bits, where writing them pays.
func (t *tokens) better() (*tokenProbs, *[tokenCount]bool) {
	probs, updates := t.probs, [tokenCount]bool{}
	at := 0
	for plane := range updateProbs {
		for band := range updateProbs[plane] {
			for context := range updateProbs[plane][band] {
				for _, update := range updateProbs[plane][band][context] {
					zeros, ones := t.seen[at][0], t.seen[at][1]
					if zeros+ones > 0 {
						prob := uint8(max(zeros*255/(zeros+ones), 1)) //nolint:gosec // at most 255
						usual := zeros*cost(false, probs[at]) + ones*cost(true, probs[at]) + cost(false, update)
						own := zeros*cost(false, prob) + ones*cost(true, prob) + cost(true, update) + 8*256
						if own < usual {
							probs[at], updates[at] = prob, true
						}
					}
					at++
				}
			}
		}
	}
	return &probs, &updates
}

// write writes the kept tokens.
func (t *tokens) write(probs *tokenProbs) []byte {
	b := bits{out: make([]byte, 0, len(t.kept)/8)}
	for _, token := range t.kept {
		if bit := token&isOne != 0; token&isFixed != 0 {
			b.put(bit, uint8(token)) //nolint:gosec // the probability
		} else {
			b.put(bit, probs[token&^isOne])
		}
	}
	return b.end()
}
