package allinone

import (
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
)

// disk measures the disk of DATA_DIR at each scrape of the metrics. On a single machine it is
// PostgreSQL's disk as well, and WAL that cannot be archived fills it.
type disk struct{ folder atomic.Pointer[string] }

var dataDisk = new(disk)

func init() { prometheus.MustRegister(dataDisk) }

var (
	diskBytes = prometheus.NewDesc("shop_disk_bytes", "Size of the disk on which DATA_DIR is.", nil, nil)
	diskFree  = prometheus.NewDesc("shop_disk_free_bytes", "What is free of it for the shop.", nil, nil)
)

// Describe is part of prometheus.Collector.
func (*disk) Describe(to chan<- *prometheus.Desc) {
	to <- diskBytes
	to <- diskFree
}

// Collect is part of prometheus.Collector.
func (d *disk) Collect(to chan<- prometheus.Metric) {
	folder := d.folder.Load()
	var at syscall.Statfs_t
	if folder == nil || syscall.Statfs(*folder, &at) != nil {
		return
	}
	size := float64(at.Bsize)
	to <- prometheus.MustNewConstMetric(diskBytes, prometheus.GaugeValue, float64(at.Blocks)*size)
	to <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, float64(at.Bavail)*size)
}
