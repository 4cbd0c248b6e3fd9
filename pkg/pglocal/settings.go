package pglocal

import (
	"maps"
	"slices"
	"strconv"
)

// settings are given on the server's command line, so that nothing in the folder can weaken them.
func (c *Cluster) settings(marker string) []string {
	all := map[string]string{
		"max_connections":     "100",
		"shared_buffers":      "128MB",
		"checkpoint_timeout":  "15min",
		"synchronous_commit":  "on",
		"timezone":            "UTC",
		"log_timezone":        "UTC",
		"lc_messages":         "C", // we read its messages
		"log_line_prefix":     "%m [%p] ",
		"log_error_verbosity": "terse", // details repeat the values of a row: Key (email)=(…)
		"wal_compression":     c.walCompression(),
	}

	if !c.opts.Durable {
		all["fsync"] = "off"
		all["synchronous_commit"] = "off"
		all["full_page_writes"] = "off"
	}

	maps.Copy(all, c.opts.Settings)
	all["listen_addresses"] = "127.0.0.1"
	all["port"] = strconv.Itoa(c.port)
	all["unix_socket_directories"] = ""
	all["logging_collector"] = "off"
	all["log_destination"] = "stderr"
	all["cluster_name"] = marker
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// walCompression: lz4 came with version 15, and a build may be without it.
func (c *Cluster) walCompression() string {
	if c.binaries.major >= 15 && !c.noLZ4 {
		return "lz4"
	}
	return "on"
}
