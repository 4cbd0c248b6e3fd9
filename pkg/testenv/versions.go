package testenv

import "strings"

// Versions posts a form that names no version of its row, and forms that name a version which the
// row never had, to each of these paths, and wants them refused as such and not as a conflict. The
// client is a person who may do everything.
func (c *Client) Versions(paths ...string) {
	c.TB.Helper()
	for _, path := range paths {
		for _, version := range []string{"", "-1", "x", "77777", "99999999999", "99999999999999999999"} {
			form := []string{"version", version}
			if version == "" {
				form = nil
			}
			a := c.Post(path, form...)
			blamed := strings.Contains(strings.ReplaceAll(a.Body, "Nothing was changed", ""), "changed")
			if a.Status != 400 && a.Status != 422 || blamed {
				c.TB.Errorf("%s, version %q: %s", path, version, a)
			}
		}
	}
}
