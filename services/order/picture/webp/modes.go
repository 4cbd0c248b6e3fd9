package webp

// Trees of the predictions (section 11.2): each prediction is a list of bits, with their
// probabilities or where these are.
type branch struct {
	bit  bool
	prob uint8
}

// small16 is the probability that a macroblock is predicted block by block.
const small16 = 145

var (
	tree16 = [modes16][]branch{byMean: {{false, 156}, {false, 163}}, byAbove: {{false, 156}, {true, 163}},
		byLeft: {{true, 156}, {false, 128}}, byDifference: {{true, 156}, {true, 128}}}
	treeHue = [modes16][]branch{byMean: {{false, 142}}, byAbove: {{true, 142}, {false, 114}},
		byLeft: {{true, 142}, {true, 114}, {false, 183}}, byDifference: {{true, 142}, {true, 114}, {true, 183}}}
	// tree4 has indexes into modeProbs instead of probabilities.
	tree4 = [modes4][]branch{
		byMean:           {{false, 0}},
		byDifference:     {{true, 0}, {false, 1}},
		byAbove:          {{true, 0}, {true, 1}, {false, 2}},
		byLeft:           {{true, 0}, {true, 1}, {true, 2}, {false, 3}, {false, 4}},
		byRightDown:      {{true, 0}, {true, 1}, {true, 2}, {false, 3}, {true, 4}, {false, 5}},
		byVerticalRight:  {{true, 0}, {true, 1}, {true, 2}, {false, 3}, {true, 4}, {true, 5}},
		byLeftDown:       {{true, 0}, {true, 1}, {true, 2}, {true, 3}, {false, 6}},
		byVerticalLeft:   {{true, 0}, {true, 1}, {true, 2}, {true, 3}, {true, 6}, {false, 7}},
		byHorizontalDown: {{true, 0}, {true, 1}, {true, 2}, {true, 3}, {true, 6}, {true, 7}, {false, 8}},
		byHorizontalUp:   {{true, 0}, {true, 1}, {true, 2}, {true, 3}, {true, 6}, {true, 7}, {true, 8}},
	}
)

// The cost of writing a prediction, in 1/256 bit.
var (
	costSmall  = cost(false, small16)
	costMode16 = costsOf(&tree16, cost(true, small16))
	costHue    = costsOf(&treeHue, 0)
	modeCosts  = func() (c [modes4][modes4][modes4]int) {
		for up := range c {
			for left := range c[up] {
				for mode, branches := range tree4 {
					for _, b := range branches {
						c[up][left][mode] += cost(b.bit, modeProbs[up][left][b.prob])
					}
				}
			}
		}
		return c
	}()
)

func costsOf(tree *[modes16][]branch, begin int) (c [modes16]int) {
	for mode, branches := range tree {
		c[mode] = begin
		for _, b := range branches {
			c[mode] += cost(b.bit, b.prob)
		}
	}
	return c
}

// writeModes writes how each macroblock is predicted (section 11).
func (f *frame) writeModes(b *bits) {
	over := make([][4]uint8, f.columns)
	var beside [4]uint8
	for i := range f.blocks {
		if i%f.columns == 0 {
			beside = [4]uint8{}
		}
		m, up := &f.blocks[i], &over[i%f.columns]
		if f.skipProb > 0 {
			b.put(m.skip, f.skipProb)
		}

		if b.put(!m.small, small16); m.small {
			for j, mode := range m.modes {
				for _, to := range tree4[mode] {
					b.put(to.bit, modeProbs[up[j%4]][beside[j/4]][to.prob])
				}
				up[j%4], beside[j/4] = mode, mode
			}
		} else {
			for _, to := range tree16[m.mode] {
				b.put(to.bit, to.prob)
			}
			*up = [4]uint8{m.mode, m.mode, m.mode, m.mode}
			beside = *up
		}
		for _, to := range treeHue[m.hue] {
			b.put(to.bit, to.prob)
		}
	}
}
