package adminui

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
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

// Panel is a part of another service's on a page, the template "panel". Path is of the back office.
type Panel struct{ Title, Path string }

// Readable is stored data for people: JSON over several lines, other text as it is.
func Readable(data []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, data, "", "  ") == nil {
		return out.String()
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}
