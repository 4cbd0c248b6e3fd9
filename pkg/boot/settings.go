package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// settingsVariable holds other settings, as a JSON object of texts: a secret store hands a process
// one value.
const settingsVariable = "SETTINGS"

// unpackSettings sets every variable that SETTINGS names and that is not set by itself.
func unpackSettings() error {
	text := os.Getenv(settingsVariable)
	if text == "" {
		return nil
	}
	var given map[string]string
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return errors.New("SETTINGS is not a JSON object of texts") // without the text: it holds secrets
	}
	for name, value := range given {
		if os.Getenv(name) != "" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("SETTINGS names %q, which is not a variable's name", name)
		}
	}
	return nil
}
