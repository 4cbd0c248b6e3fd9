package mailer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	styleSheets = regexp.MustCompile(`(?is)<style\b.*?</style\s*>`)
	scripts     = regexp.MustCompile(`(?i)<\s*/?\s*script\b`)
	// links match what looks like a link with the code of a newsletter in it.
	links = regexp.MustCompile(`[^\s"'<>]*[?&;]em_cd=[^\s"'<>]*`)
)

// loneBrace returns the text around a brace that is not part of a name, or "". Style sheets may
// have braces.
func loneBrace(text string) string {
	blank := func(part string) string { return strings.Repeat(" ", len(part)) }
	text = styleSheets.ReplaceAllStringFunc(text, func(sheet string) string {
		return strings.Map(func(r rune) rune {
			if r == '{' || r == '}' {
				return ' '
			}
			return r
		}, sheet)
	})
	text = braces.ReplaceAllStringFunc(text, blank)
	at := strings.IndexAny(text, "{}")
	if at < 0 {
		return ""
	}
	before := text[:at]
	line, column := 1+strings.Count(before, "\n"), 1+utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
	return fmt.Sprintf("Line %d, character %d: a lone “%c” is part of no field.", line, column, text[at])
}

// missingOf are the names, in braces, that a text lacks.
func missingOf(text string, names []string) (list []string) {
	for _, name := range names {
		if !strings.Contains(text, "{"+name+"}") {
			list = append(list, "{"+name+"}")
		}
	}
	return list
}

// uncounted are the links of a campaign that name it but not the receiver: visits by them are not
// counted.
func uncounted(c campaign) (list []string) {
	var codes []string
	for _, kind := range audiences[c.Audience] {
		codes = append(codes, map[string]string{"member": "mb_cd", "prospect": "pr_cd"}[kind])
	}
	for _, link := range links.FindAllString(c.BodyText+"\n"+c.BodyHTML, -1) {
		if len(missingOf(link, codes)) > 0 && !slices.Contains(list, link) {
			list = append(list, link)
		}
	}
	return list
}
