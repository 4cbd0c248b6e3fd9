package boot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/kelseyhightower/envconfig"
)

// environment is process-wide, and Load takes broken values out of it for a moment.
var environment sync.Mutex

// Load reads the settings C from the environment. Fields carry the tags envconfig, default and
// desc. A variable that is set but empty counts as not set. All mistakes are reported at once, and
// a method Validate() error of C has the last word.
func Load[C any]() (C, error) {
	var cfg C
	environment.Lock()
	defer environment.Unlock()
	unpacked := unpackSettings()
	restore := hide(func(_, value string) bool { return value == "" })
	defer restore()

	errs := []error{unpacked}
	for {
		cfg = *new(C)
		err := envconfig.Process("", &cfg)
		var bad *envconfig.ParseError
		if !errors.As(err, &bad) {
			if err != nil {
				errs = append(errs, err)
			}
			break
		}
		if bad.KeyName == "SHOP_KEYS" {
			errs = append(errs, fmt.Errorf("SHOP_KEYS: %w", bad.Err)) // a secret
		} else {
			errs = append(errs, fmt.Errorf("%s is %q: want a %s", bad.KeyName, bad.Value, bad.TypeName))
		}
		defer hide(func(name, _ string) bool { return name == bad.KeyName })()
	}

	if v, ok := any(cfg).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	production := false
	if p, ok := any(cfg).(interface{ Production() bool }); ok {
		production = p.Production()
	}
	if k, ok := any(cfg).(interface{ checkKeys(production bool) error }); ok {
		errs = append(errs, k.checkKeys(production))
	}
	if p, ok := any(cfg).(interface{ checkPublic(production bool) error }); ok {
		errs = append(errs, p.checkPublic(production))
	}

	if errors.Join(errs...) == nil {
		return cfg, nil
	}
	return cfg, errors.New(strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
}

// hide unsets the variables that match and returns what sets them again.
func hide(match func(name, value string) bool) (restore func()) {
	hidden := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if name != "" && match(name, value) && os.Unsetenv(name) == nil {
			hidden[name] = value
		}
	}
	return func() {
		for name, value := range hidden {
			if err := os.Setenv(name, value); err != nil {
				panic(err) // the name came from the environment, so it is a valid one
			}
		}
	}
}

// Usage prints every setting of C with its default and meaning.
func Usage[C any](w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range Settings[C]() {
		def := f.Default
		if def == "" {
			def = "–"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", f.Name, def, f.Meaning)
	}
	if err := tw.Flush(); err != nil {
		panic(err) // a terminal that cannot be written to
	}
}

// Setting is one environment variable.
type Setting struct{ Name, Default, Meaning string }

// Settings lists the variables of C in the order of its fields, embedded structs included.
func Settings[C any]() []Setting { return settings(reflect.TypeFor[C]()) }

func settings(t reflect.Type) []Setting {
	var all []Setting
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			all = append(all, settings(f.Type)...)
			continue
		}
		if name := f.Tag.Get("envconfig"); name != "" && name != "-" {
			all = append(all, Setting{name, f.Tag.Get("default"), f.Tag.Get("desc")})
		}
	}
	return all
}
