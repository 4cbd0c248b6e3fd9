package allinone

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// The disk is measured where the data are, and not at all while DATA_DIR is unknown.
func TestDiskIsMeasured(t *testing.T) {
	t.Parallel()
	d, dir := new(disk), t.TempDir()
	measure := func() (values []float64) {
		got := make(chan prometheus.Metric, 2)
		d.Collect(got)
		close(got)
		for m := range got {
			var v dto.Metric
			if err := m.Write(&v); err != nil {
				t.Fatal(err)
			}
			values = append(values, v.GetGauge().GetValue())
		}
		return values
	}

	if v := measure(); len(v) != 0 {
		t.Errorf("before there is a folder: %v", v)
	}
	d.folder.Store(&dir)
	if v := measure(); len(v) != 2 || v[0] <= 0 || v[1] < 0 || v[1] > v[0] {
		t.Errorf("size and free: %v", v)
	}

	missing := dir + "/missing"
	d.folder.Store(&missing)
	if v := measure(); len(v) != 0 {
		t.Errorf("of a folder that is not there: %v", v)
	}
}
