package adminui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// Chart is a series over time as bars, with the series of the previous period as a line: the
// template "chart". It is an SVG made here, without script or style, with its figures in a table
// beneath.
type Chart struct {
	ID     string // id of the element
	Title  string
	Points []Point
	// Money says that values are cents; otherwise they are counts.
	Money bool
	// Compared names the previous period in the legend; "" if there is no line.
	Compared string
}

// Point is a place on a chart's axis.
type Point struct {
	Label         string
	Value, Before int64
}

// Drawn is a chart in the units of its SVG: 10 for each point across, 100 from the ground to the
// top.
type Drawn struct {
	Width         int
	Bars          []DrawnBar
	Line          string // points of the polyline
	Top, Middle   string // what the upper lines of the grid stand for
	Labels        []string
	Rows          []DrawnRow // the table beneath
	Summary       string
	Empty, Marked bool
}

// DrawnRow is a point in the table beneath a chart.
type DrawnRow struct{ Label, Value, Before string }

// DrawnBar is a bar with the text that it shows when it is pointed at.
type DrawnBar struct {
	X, Y, Height string
	Text         string
}

const (
	barStep = 10 // units from one bar to the next
	barRoom = 2  // of these, the space between bars
	// maxLabels is how many labels an axis has.
	maxLabels = 5
)

// Draw places the bars and the line.
func (c Chart) Draw() Drawn {
	d := Drawn{Width: max(1, len(c.Points)) * barStep, Empty: true}
	var most, sum, before int64
	best := 0
	for i, p := range c.Points {
		most, sum, before = max(most, p.Value, p.Before), sum+p.Value, before+p.Before
		if p.Value > c.Points[best].Value {
			best = i
		}
	}

	d.Empty = sum == 0 && (before == 0 || c.Compared == "")
	top := roundUp(most)
	d.Top, d.Middle = c.tick(top), c.tick(top/2)
	var line []string
	for i, p := range c.Points {
		height := 100 * float64(p.Value) / float64(top)
		d.Bars = append(d.Bars, DrawnBar{
			X:      strconv.Itoa(i*barStep + barRoom/2),
			Y:      unit(100 - height),
			Height: unit(height),
			Text:   p.Label + ": " + c.text(p.Value) + c.beforeText(p),
		})
		d.Rows = append(d.Rows, DrawnRow{Label: p.Label, Value: c.text(p.Value), Before: c.text(p.Before)})
		line = append(line, unit(float64(i*barStep)+barStep/2)+","+unit(100-100*float64(p.Before)/float64(top)))
	}

	if c.Compared != "" {
		d.Line, d.Marked = strings.Join(line, " "), true
	}
	d.Labels = axisLabels(c.Points)
	if len(c.Points) > 0 {
		most := c.Points[best]
		d.Summary = fmt.Sprintf("%s in all, most on %s: %s.", c.text(sum), most.Label, c.text(most.Value))
		if c.Compared != "" {
			d.Summary += fmt.Sprintf(" %s: %s.", c.Compared, c.text(before))
		}
	}

	return d
}

func (c Chart) beforeText(p Point) string {
	if c.Compared == "" {
		return ""
	}
	return " (before: " + c.text(p.Before) + ")"
}

func (c Chart) text(n int64) string {
	if c.Money {
		return Amount(money.Cents(n))
	}
	return Count(n)
}

// tick is a value of the grid: amounts without cents, unless they are small.
func (c Chart) tick(n int64) string {
	if c.Money && n%100 == 0 {
		return Count(n / 100)
	}
	return c.text(n)
}

// axisLabels are a few labels from the first to the last point, at equal distances.
func axisLabels(points []Point) []string {
	n := min(maxLabels, len(points))
	labels := make([]string, n)
	for i := range labels {
		labels[i] = points[i*(len(points)-1)/max(1, n-1)].Label
	}
	return labels
}

// roundUp is the next larger number with one digit before its zeros, so that half of it is round.
func roundUp(n int64) int64 {
	power := int64(1)
	for n > 10*power && power < math.MaxInt64/100 {
		power *= 10
	}
	for _, steps := range []int64{2, 3, 4, 5, 6, 8} {
		if n <= steps*power && steps*power%2 == 0 {
			return steps * power
		}
	}
	return 10 * power
}

func unit(f float64) string { return strconv.FormatFloat(f, 'f', -1, 32) }

// Count is a whole number with commas between thousands.
func Count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Amount is an amount with commas between thousands.
func Amount(c money.Cents) string {
	whole, cents, _ := strings.Cut(c.String(), ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil && n != 0 {
		whole = Count(n)
	}
	return whole + "." + cents
}

// Figure is one number with its value in the previous period: the template "figures" shows several.
type Figure struct {
	Title  string
	Value  string
	Before string // "" without comparison
	Change Badge
	To     string // the report about it
}

// NewFigure compares a number with that of the previous period.
func NewFigure(title string, value, before int64, show func(int64) string) Figure {
	return Figure{Title: title, Value: show(value), Before: show(before), Change: Change(value, before)}
}

// NewShare compares a share, in thousandths, with that of the previous period, in percentage
// points.
func NewShare(title string, value, before int) Figure {
	f := Figure{Title: title, Value: Share(value), Before: Share(before)}
	switch points := strconv.FormatFloat(math.Abs(float64(value-before))/10, 'f', -1, 64); {
	case value > before:
		f.Change = Badge{Text: "↑ " + points + " points", Tone: "good"}
	case value < before:
		f.Change = Badge{Text: "↓ " + points + " points", Tone: "bad"}
	}
	return f
}

// Less marks a figure for which less is better.
func (f Figure) Less() Figure {
	switch f.Change.Tone {
	case "good":
		f.Change.Tone = "bad"
	case "bad":
		f.Change.Tone = "good"
	}
	return f
}

// Change is the growth of a number in per cent; empty if there is nothing to compare it with.
func Change(value, before int64) Badge {
	if before == 0 {
		return Badge{}
	}
	percent := math.Round(100 * (float64(value) - float64(before)) / math.Abs(float64(before)))
	switch {
	case percent > 999:
		return Badge{Text: "↑ > 999 %", Tone: "good"}
	case percent > 0:
		return Badge{Text: fmt.Sprintf("↑ %.0f %%", percent), Tone: "good"}
	case percent < 0:
		return Badge{Text: fmt.Sprintf("↓ %.0f %%", -percent), Tone: "bad"}
	}
	return Badge{Text: "= 0 %"}
}

// Part is a cell with a bar that shows its share of the largest row's, in thousandths.
type Part struct {
	Text, To string
	Share    int
}

// NewPart is a cell with value's share of the largest.
func NewPart(text, to string, value, largest int64) Part {
	p := Part{Text: text, To: to}
	if largest > 0 && value > 0 {
		p.Share = int(math.Round(1000 * float64(value) / float64(largest)))
	}
	return p
}

// Step is a step of a funnel: the template "steps".
type Step struct {
	Title string
	Count int64
	// OfAll and OfLast are the shares of all, and of those at the previous step, that came here, in
	// thousandths. OfLast is -1 for the first step.
	OfAll, OfLast int
	Before        string // OfAll in the previous period, as text
}

// Text is a share in per cent.
func (s Step) Text() string { return Share(s.OfAll) }

// LastText is the share of those at the previous step.
func (s Step) LastText() string { return Share(s.OfLast) }

// Share is thousandths in per cent.
func Share(thousandths int) string {
	return strconv.FormatFloat(float64(thousandths)/10, 'f', -1, 64) + " %"
}

// Shown is a count with commas.
func (s Step) Shown() string { return Count(s.Count) }

// Period is the days that a report is about: the template "period" lets a person choose them.
type Period struct {
	Path     string
	From, To time.Time // first and last day
	Ready    []Tab     // usual periods
	Kept     []Option  // parameters that stay
	Compared string    // the previous period, in words
	Problems []string  // what is wrong with the chosen days, in sentences
}

// FromText is the first day as the value of a date field.
func (p Period) FromText() string { return p.From.Format(time.DateOnly) }

// ToText is the last day as the value of a date field.
func (p Period) ToText() string { return p.To.Format(time.DateOnly) }
