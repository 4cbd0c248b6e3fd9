package web

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ParseAddress reads a setting that holds a base address, such as http://host:port. A slash at its
// end is dropped.
func ParseAddress(setting, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s is %q: want http://host:port", setting, value)
	}
	u.Path = ""
	return u, nil
}

// Addresses are where a service runs: the base address of each of its processes, or names that
// several share.
type Addresses []*url.URL

// ParseAddresses reads a setting that holds one base address, or several separated by commas.
func ParseAddresses(setting, value string) (Addresses, error) {
	var at Addresses
	var errs []error
	for one := range strings.SplitSeq(value, ",") {
		u, err := ParseAddress(setting, strings.TrimSpace(one))
		at, errs = append(at, u), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return at, nil
}
