package adminui

import "time"

// Event is an entry of a timeline, the template "timeline".
type Event struct {
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
	Detail string    `json:"detail,omitempty"`
	Who    string    `json:"who,omitempty"`
	Tone   string    `json:"tone,omitempty"` // "", good, warn or bad
}

// Detail is a line of the template "details"; Value is shown as in a table.
type Detail struct {
	Label string
	Value any
}

// Panel is a part of another service's on a page, the template "panel". Path is of the back office.
type Panel struct{ Title, Path string }
