package storefront

import (
	"encoding/json"
	"fmt"
	"strings"
)

// texts maps a key such as "cart.title" to the text that shoppers read. Names in braces are
// replaced: {shop}, {description} and {email} from the settings, others where the text is used.
type texts map[string]string

// loadTexts reads the texts in the shop's language.
func loadTexts(shop Settings) (texts, error) {
	name := "texts/" + shop.Language + ".json"
	body, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(body, &tree); err != nil {
		return nil, fmt.Errorf("read texts %s: %w", name, err)
	}
	flat := texts{}
	if err := flat.add("", tree, shop); err != nil {
		return nil, fmt.Errorf("read texts %s: %w", name, err)
	}
	return flat, nil
}

func (t texts) add(prefix string, tree map[string]any, shop Settings) error {
	for key, value := range tree {
		switch v := value.(type) {
		case string:
			t[prefix+key] = strings.NewReplacer("{shop}", shop.Name, "{description}", shop.Description, "{email}",
				shop.Email).Replace(v)
		case map[string]any:
			if err := t.add(prefix+key+".", v, shop); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s%s is neither a text nor a group of texts", prefix, key)
		}
	}
	return nil
}

// get returns a text with its names replaced: get("cart.line", "title", "Clips").
func (t texts) get(key string, pairs ...string) (string, error) {
	text, ok := t[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text, nil
}

// under returns the texts with a prefix, which it removes from their keys.
func (t texts) under(prefix string) map[string]string {
	part := map[string]string{}
	for key, text := range t {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			part[rest] = text
		}
	}
	return part
}
