// Package markdown renders what staff write about goods (CommonMark) as HTML that is safe on any
// page of ours.
package markdown

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// policy is what may stand on a page: prose, and links that lead out without saying where they come
// from. The renderer makes no other elements out of Markdown; the policy holds should it ever.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "ul", "ol", "li", "blockquote", "code", "pre", "h2", "h3", "h4")
	p.AllowAttrs("href").OnElements("a")
	p.AllowStandardURLs()
	p.RequireNoFollowOnLinks(false)
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	return p
}()

var renderer = goldmark.New(goldmark.WithParserOptions(parser.WithASTTransformers(
	util.Prioritized(below{}, 100))))

// HTML renders a text. Raw HTML in it is left out; headings begin below the page's own.
func HTML(source string) (template.HTML, error) {
	var out bytes.Buffer
	if err := renderer.Convert([]byte(source), &out); err != nil {
		return "", fmt.Errorf("render Markdown: %w", err)
	}
	return template.HTML(policy.SanitizeBytes(out.Bytes())), nil //nolint:gosec // the policy let it through
}

// Text is what a text says without its marks, in one line, for those who show no HTML.
func Text(source string) (string, error) {
	body, err := HTML(source)
	if err != nil {
		return "", err
	}
	return strings.Join(strings.Fields(html.UnescapeString(strict.Sanitize(string(body)))), " "), nil
}

var strict = bluemonday.StrictPolicy()

// below makes the largest heading of a text an h2 and none smaller than an h4.
type below struct{}

// Transform is called with each text that was read.
func (below) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			h.Level = min(h.Level+1, 4)
		}
	}
}
