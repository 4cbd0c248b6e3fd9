package adminui

import (
	"embed"
	"fmt"
	"html/template"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

//go:embed templates/*.html
var kitTemplates embed.FS

// functions are what templates can call in addition to the functions of html/template.
var functions = template.FuncMap{
	"form":    func(v View, form Form) formView { return formView{v, form} },
	"date":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04") },
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"asset":   Asset,
	"kind":    kindOf,
	"dict":    dict,
	"runbook": Runbook,
	"ago":     func(t time.Time) string { return ago(time.Since(t)) },
}

// formView is a form with the view that it is part of, for the csrf token.
type formView struct {
	View
	Form Form
}

// kindOf says how a cell is shown.
func kindOf(value any) string {
	switch v := value.(type) {
	case Link:
		return "link"
	case Badge:
		if v.Text == "" {
			return "none"
		}
		return "badge"
	case Part:
		return "part"
	case time.Time:
		if v.IsZero() {
			return "none"
		}
		return "time"
	case money.Cents, int, int64:
		return "number"
	case nil:
		return "none"
	case string:
		if v == "" {
			return "none"
		}
	}

	return "text"
}

// dict makes a map of name, value, name, value… for a template within a template.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is not a name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// ago is a duration in one unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
