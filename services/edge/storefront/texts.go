package storefront

import (
	"encoding/json"
	"fmt"
	"strings"
)

// texts maps a key such as "cart.title" to what the shopper reads. Names in braces are filled in:
// {shop}, {description} and {email} from the settings always, others by the place that uses the text.
type texts map[string]string

// loadTexts reads the catalog of the shop's language.
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

// get looks a text up and fills in names: get("cart.line", "title", "Clips").
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

// under returns the texts below a prefix, without it.
func (t texts) under(prefix string) map[string]string {
	part := map[string]string{}
	for key, text := range t {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			part[rest] = text
		}
	}
	return part
}
