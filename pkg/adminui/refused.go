package adminui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// refusedJSON is the JSON face of a page that shows a form again: its data, and its errors by the
// name of the field, "" for the whole form. Data that has errors of its own stays as it is.
func (p Page) refusedJSON(w http.ResponseWriter) error {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p.Data); err != nil {
		return fmt.Errorf("encode a refusal: %w", err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw.Bytes(), &fields); err != nil {
		return fmt.Errorf("read a refusal: %w", err)
	}
	if _, said := fields["errors"]; !said {
		errs := maps.Clone(p.Errors)
		if errs == nil {
			errs = map[string]string{}
		}
		collectErrors(reflect.ValueOf(p.Data), errs)
		said, err := json.Marshal(errs)
		if err != nil {
			return fmt.Errorf("encode errors: %w", err)
		}
		fields["errors"] = said
	}
	return web.JSON(w, p.Status, fields)
}

// collectErrors collects the errors of the forms in a page's data: JSON leaves forms out.
func collectErrors(v reflect.Value, errs map[string]string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			collectErrors(v.Elem(), errs)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectErrors(v.Index(i), errs)
		}
	case reflect.Struct:
		if !v.CanInterface() {
			return
		}
		if f, is := v.Interface().(Form); is {
			f.errors(errs)
			return
		}
		for i := range v.NumField() {
			collectErrors(v.Field(i), errs)
		}
	}
}

// errors adds the errors of a form, by the name of the field.
func (f Form) errors(errs map[string]string) {
	for _, field := range f.Fields {
		if field.Error != "" {
			errs[field.Name] = field.Error
		}
	}
	switch {
	case f.Problem != "":
		errs[""] = f.Problem
	case f.ChangedBy != "":
		errs[""] = f.ChangedBy + " changed this meanwhile. Nothing was stored."
	}
}
