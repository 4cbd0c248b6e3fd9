package adminui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Event is an entry of a timeline, the template "timeline".
type Event struct {
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
	Detail string    `json:"detail,omitempty"`
	Who    string    `json:"who,omitempty"`
	Tone   string    `json:"tone,omitempty"` // "", good, warn or bad
	To     string    `json:"to,omitempty"`   // its page
}

// Detail is a line of the template "details"; Value is shown as in a table.
type Detail struct {
	Label string
	Value any
}

// Hidden stands for what Readable leaves out.
const Hidden = "(hidden)"

// Readable is a stored payload for people: JSON over several lines, without the values that open
// something (msg.Opens). If a payload is not JSON, only its length is shown, since no one knows
// what it holds.
func Readable(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	if !json.Valid(data) {
		return fmt.Sprintf("%d bytes that are not JSON.", len(data))
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	var out, lines bytes.Buffer
	if err := copyShown(&out, in, nil); err != nil {
		return fmt.Sprintf("%d bytes that cannot be shown.", len(data))
	}
	if err := json.Indent(&lines, out.Bytes(), "", "  "); err != nil {
		return fmt.Sprintf("%d bytes that cannot be shown.", len(data))
	}
	return lines.String()
}

// copyShown copies the next value, which is at path, without the values that open something.
func copyShown(out *bytes.Buffer, in *json.Decoder, path []string) error {
	token, err := in.Token()
	if err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	switch t := token.(type) {
	case json.Delim:
		return copyShownList(out, in, path, t)
	case string:
		token = msg.WithoutLinks(t, Hidden)
	}
	if token != nil && token != "" && msg.Opens(path) {
		token = Hidden
	}
	return writeJSON(out, token)
}

// copyShownList copies an object or an array, whose opening bracket was read.
func copyShownList(out *bytes.Buffer, in *json.Decoder, path []string, open json.Delim) error {
	out.WriteRune(rune(open))
	for first := true; in.More(); first = false {
		if !first {
			out.WriteByte(',')
		}
		name := "[]"
		if open == '{' {
			token, err := in.Token()
			if err != nil {
				return fmt.Errorf("read JSON: %w", err)
			}
			name = fmt.Sprint(token)
			if err := writeJSON(out, name); err != nil {
				return err
			}
			out.WriteByte(':')
		}
		if err := copyShown(out, in, append(path, name)); err != nil {
			return err
		}
	}

	end, err := in.Token()
	if err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	fmt.Fprint(out, end)
	return nil
}

// writeJSON writes a single value; the page escapes it.
func writeJSON(out *bytes.Buffer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
