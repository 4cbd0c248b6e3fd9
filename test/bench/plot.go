package bench

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Measures of a plot, in its own units.
const (
	plotWidth, plotHeight = 480, 300
	plotLeft, plotBottom  = 60, 40
	plotRight, plotTop    = 20, 40
)

// plotGrowth draws a file for each figure into a folder: milliseconds over the number of orders,
// both logarithmic.
func plotGrowth(folder string, sizes []float64, figures []*figure) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // plots are no secret
		return fmt.Errorf("make the folder for plots: %w", err)
	}
	for _, f := range figures {
		name := filepath.Join(folder, "grow-"+strings.NewReplacer(" ", "-", ",", "").Replace(f.name)+".svg")
		//nolint:gosec // plots are no secret
		if err := os.WriteFile(name, []byte(plot(f.name, sizes, f.ms)), 0o644); err != nil {
			return fmt.Errorf("draw a plot: %w", err)
		}
	}
	return nil
}

// plot is one curve as SVG. The axes begin and end at powers of ten.
func plot(title string, sizes, ms []float64) string {
	orders := make([]float64, len(sizes))
	for i, size := range sizes {
		orders[i] = size * grownOrders
	}
	x, y := newAxis(orders, plotLeft, plotWidth-plotRight), newAxis(ms, plotHeight-plotBottom, plotTop)

	var b strings.Builder
	fmt.Fprintf(&b,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="20" font-size="14">%s, ms by number of orders</text>
`, plotWidth, plotHeight, plotLeft, title)

	for power := x.low; power <= x.high; power++ {
		at := x.at(math.Pow(10, power))
		fmt.Fprintf(&b,
			`<path d="M%.0f %d V%d" stroke="#ddd"/><text x="%.0f" y="%d" text-anchor="middle">%.0f</text>`+"\n", at,
			plotTop, plotHeight-plotBottom, at, plotHeight-plotBottom+18, math.Pow(10, power))
	}
	for power := y.low; power <= y.high; power++ {
		at := y.at(math.Pow(10, power))
		fmt.Fprintf(&b, `<path d="M%d %.0f H%d" stroke="#ddd"/><text x="%d" y="%.0f" text-anchor="end">%g</text>`+"\n",
			plotLeft, at,
			plotWidth-plotRight, plotLeft-6, at+4, math.Pow(10, power))
	}

	var line []string
	for i := range orders {
		px, py := x.at(orders[i]), y.at(ms[i])
		line = append(line, fmt.Sprintf("%.1f,%.1f", px, py))
		fmt.Fprintf(&b,
			`<circle cx="%.1f" cy="%.1f" r="3" fill="#06c"/><text x="%.1f" y="%.1f" text-anchor="middle">%.3g</text>`+"\n",
			px, py, px, py-8, ms[i])
	}

	fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="#06c" stroke-width="2"/>`+"\n</svg>\n",
		strings.Join(line, " "))
	return b.String()
}

// axis maps values to positions by their logarithm; low and high are the powers of ten at its ends.
type axis struct{ low, high, from, to float64 }

func newAxis(values []float64, from, to float64) axis {
	a := axis{low: math.Inf(1), high: math.Inf(-1), from: from, to: to}
	for _, v := range values {
		power := math.Log10(max(v, 0.01))
		a.low, a.high = min(a.low, math.Floor(power)), max(a.high, math.Ceil(power))
	}
	if a.low == a.high {
		a.high++
	}
	return a
}

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(max(v, 0.01))-a.low)/(a.high-a.low)*(a.to-a.from)
}
