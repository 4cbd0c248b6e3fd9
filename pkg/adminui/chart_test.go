package adminui_test

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// A chart fits its frame whatever it shows, and describes itself to people who do not see it.
func TestChartsFitTheirFrame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values      []int64
		top, middle string
		empty       bool
	}{
		{top: "2", middle: "1", empty: true},
		{values: []int64{0, 0}, top: "2", middle: "1", empty: true},
		{values: []int64{1}, top: "2", middle: "1"},
		{values: []int64{7, 3}, top: "8", middle: "4"},
		{values: []int64{99}, top: "100", middle: "50"},
		{values: []int64{228}, top: "300", middle: "150"},
		{values: []int64{3}, top: "4", middle: "2"},
		{values: []int64{1234567}, top: "2,000,000", middle: "1,000,000"},
	} {
		chart := adminui.Chart{ID: "c", Title: "Visits"}
		for _, v := range c.values {
			chart.Points = append(chart.Points, adminui.Point{Label: "1 Mar", Value: v})
		}
		d := chart.Draw()
		if d.Top != c.top || d.Middle != c.middle || d.Empty != c.empty || len(d.Bars) != len(c.values) {
			t.Errorf("%d: %+v", c.values, d)
		}
	}

	d := adminui.Chart{Money: true, Compared: "Before", Points: []adminui.Point{{Label: "1 Mar", Value: 123456, Before: 200000},
		{Label: "2 Mar", Value: 50}}}.Draw()
	if d.Top != "2,000" || d.Bars[0].Text != "1 Mar: 1,234.56 (before: 2,000.00)" || d.Line != "5,0 15,100" ||
		d.Bars[0].Height != "61.728" || d.Rows[0] != (adminui.DrawnRow{Label: "1 Mar", Value: "1,234.56", Before: "2,000.00"}) ||
		!strings.HasPrefix(d.Summary, "1,235.06 in all, most on 1 Mar: 1,234.56. Before: 2,000.00.") {
		t.Errorf("%+v", d)
	}

	for _, c := range []struct {
		value, before int64
		want          adminui.Badge
	}{
		{5, 0, adminui.Badge{}}, {0, 0, adminui.Badge{}}, {15, 10, adminui.Badge{Text: "↑ 50 %", Tone: "good"}},
		{5, 10, adminui.Badge{Text: "↓ 50 %", Tone: "bad"}}, {10, 10, adminui.Badge{Text: "= 0 %"}},
		{1 << 40, 1, adminui.Badge{Text: "↑ > 999 %", Tone: "good"}},
	} {
		if got := adminui.Change(c.value, c.before); got != c.want {
			t.Errorf("%d after %d: %+v", c.value, c.before, got)
		}
	}
}
