package testenv

import (
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// Garbage posts text that no column takes, NUL and invalid UTF-8, in each of the fields of a
// service's staff forms to each of its commands, and wants 4xx. parts replace the parameters of
// paths, such as {id}. The client is a person who may do everything.
func (c *Client) Garbage(pages adminui.Pages, parts map[string]string, fields ...string) {
	c.TB.Helper()
	for _, route := range pages.Routes {
		if route.Method != "POST" {
			continue
		}
		path := adminui.Prefix + route.Path
		for name, value := range parts {
			path = strings.ReplaceAll(path, "{"+name+"}", value)
		}
		for _, text := range []string{"a\x00b", "a\xffb"} {
			for _, field := range fields {
				form := []string{field, text}
				for _, other := range fields {
					if other != field {
						form = append(form, other, "1")
					}
				}
				if a := c.Post(path, form...); a.Status < 400 || a.Status >= 500 {
					c.TB.Errorf("%q as %s: %s", text, field, a)
				}
			}
		}
	}
}
