package storefront

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/parser"
)

// markdown renders one of our own long texts. Names in braces are replaced first: {shop}, {email},
// {phone}, {address}. goldmark drops raw HTML, so a text can't break the page.
func (p *Pages) markdown(name string) (template.HTML, error) {
	source, err := files.ReadFile("content/" + name)
	if err != nil {
		return "", fmt.Errorf("read text: %w", err)
	}
	shop := p.cfg.Shop
	filled := strings.NewReplacer(
		"{shop}", shop.Name,
		"{email}", shop.Email,
		"{phone}", shop.Phone,
		"{address}", strings.Join(shop.Address, ", "),
	).Replace(string(source))
	var buf bytes.Buffer
	md := goldmark.New(goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	if err := md.Convert([]byte(filled), &buf); err != nil {
		return "", fmt.Errorf("render text %s: %w", name, err)
	}
	return template.HTML(buf.String()), nil
}
