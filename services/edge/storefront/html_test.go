package storefront

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

var (
	voidElements = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
	blocks       = []string{"address", "article", "aside", "details", "dialog", "div", "dl", "fieldset", "footer", "form", "h1", "h2", "h3",
		"header", "hr", "main", "nav", "ol", "p", "section", "table", "ul"}
	interactive = []string{"a", "button", "input", "select", "textarea", "iframe"}
	children    = map[string][]string{"ul": {"li", "template"}, "ol": {"li", "template"}, "dl": {"div", "dt", "dd"}}
)

// htmlCheck walks the tokens of a page and notes what a validator would refuse.
type htmlCheck struct {
	stack    []string
	ids      map[string]bool
	refs     []string // ids that other elements refer to
	h1       int
	problems []string
}

// checkHTML returns what is wrong with a page: nesting, attributes, references, labels, and
// everything that the content policy would refuse.
func checkHTML(body string) []string {
	c := &htmlCheck{ids: map[string]bool{}}
	if !strings.HasPrefix(body, "<!doctype html>") {
		c.add("no doctype")
	}
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		switch z.Next() {
		case html.ErrorToken:
			c.finish()
			return c.problems
		case html.StartTagToken, html.SelfClosingTagToken:
			c.open(z.Token())
		case html.EndTagToken:
			c.close(z.Token().Data)
		}
	}
}

func (c *htmlCheck) add(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *htmlCheck) open(tok html.Token) {
	name := tok.Data
	attrs := map[string]string{}
	for _, a := range tok.Attr {
		if _, twice := attrs[a.Key]; twice {
			c.add("<%s> has %s twice", name, a.Key)
		}
		attrs[a.Key] = a.Val
		if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
			c.add("<%s> has %s, which the policy forbids", name, a.Key)
		}
	}

	c.checkAttributes(name, attrs)
	if n := len(c.stack); n > 0 {
		parent := c.stack[n-1]
		if allowed := children[parent]; allowed != nil && !slices.Contains(allowed, name) {
			c.add("<%s> directly in <%s>", name, parent)
		}
	}
	if slices.Contains(c.stack, "p") && slices.Contains(blocks, name) {
		c.add("<%s> in <p>: %v", name, c.stack)
	}
	if (slices.Contains(c.stack, "a") || slices.Contains(c.stack, "button")) && slices.Contains(interactive, name) {
		c.add("<%s> in %v", name, c.stack)
	}

	svg := slices.Contains(c.stack, "svg")
	if !slices.Contains(voidElements, name) && !(svg && tok.Type == html.SelfClosingTagToken) {
		c.stack = append(c.stack, name)
	}
}

func (c *htmlCheck) checkAttributes(name string, attrs map[string]string) {
	if id, ok := attrs["id"]; ok {
		if c.ids[id] || id == "" {
			c.add("id %q twice or empty", id)
		}
		c.ids[id] = true
	}

	for _, key := range []string{"for", "aria-labelledby", "aria-describedby"} {
		c.refs = append(c.refs, strings.Fields(attrs[key])...)
	}
	switch name {
	case "h1":
		if !slices.Contains(c.stack, "template") {
			c.h1++
		}
	case "img":
		if _, ok := attrs["alt"]; !ok || attrs["width"] == "" || attrs["height"] == "" {
			c.add("<img src=%q> without alt, width or height", attrs["src"])
		}
		if attrs["src"] == "" {
			c.add("<img> with an empty src")
		}
	case "button":
		if attrs["type"] == "" {
			c.add("<button id=%q> without type", attrs["id"])
		}
	case "script":
		if attrs["src"] == "" && attrs["type"] != "application/ld+json" {
			c.add("inline script")
		}
	case "style":
		c.add("inline style")
	case "time":
		if attrs["datetime"] == "" {
			c.add("<time id=%q> without a datetime", attrs["id"])
		}
	case "form":
		if attrs["method"] != "post" && attrs["role"] != "search" {
			c.add("<form id=%q> would put its fields into the address when scripts fail", attrs["id"])
		}
	case "a":
		if attrs["href"] == "" {
			c.add("<a> without href: %v", attrs)
		}
		if attrs["target"] == "_blank" && !strings.Contains(attrs["rel"], "noopener") {
			c.add("<a href=%q> opens a window that can reach back", attrs["href"])
		}
	}
}

func (c *htmlCheck) close(name string) {
	n := len(c.stack)
	if n == 0 || c.stack[n-1] != name {
		c.add("</%s> closes %v", name, c.stack)
		return
	}
	c.stack = c.stack[:n-1]
}

func (c *htmlCheck) finish() {
	if len(c.stack) > 0 {
		c.add("never closed: %v", c.stack)
	}
	for _, ref := range c.refs {
		if !c.ids[ref] {
			c.add("somebody refers to #%s, which is not there", ref)
		}
	}
	if c.h1 == 0 {
		c.add("no h1")
	}
}
