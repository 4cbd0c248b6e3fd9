package adminui

import "time"

// WorkPath is where each service says what waits for a person, below Prefix; services/admin asks all and
// shows one list.
const WorkPath = "/work-list"

// ExportPath is where each service says what it has of a person, below Prefix.
const ExportPath = "/person-export"

// WorkShown is how many things of a kind a service tells; Count is how many there are.
const WorkShown = 20

// WorkKind is what waits for a person for one reason: parked messages, payments that made no order.
type WorkKind struct {
	Name   string    `json:"name"` // as in the metric shop_work_items: parked-messages
	Title  string    `json:"title"`
	Count  int64     `json:"count"`
	Oldest time.Time `json:"oldest,omitzero"`
	To     string    `json:"to,omitempty"` // the page with all of them
	// Runbook is the file in docs/runbooks that says what to do, without its ending.
	Runbook string `json:"runbook"`
	// Calm is for work that is no fault and is looked through now and then: it counts on no badge.
	Calm  bool       `json:"calm,omitempty"`
	Items []WorkItem `json:"items"` // the oldest first, at most WorkShown
}

// WorkItem is one thing that waits.
type WorkItem struct {
	Key    string    `json:"key"`
	Title  string    `json:"title"`
	Name   string    `json:"name,omitempty"` // what the machine calls it
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	To     string    `json:"to,omitempty"` // its page
	// Commands are what can be done without looking closer; each posts to an address.
	Commands []Command `json:"commands,omitempty"`
}

// WorkList is what a service tells.
type WorkList struct {
	Kinds []WorkKind `json:"kinds"`
}

// runbooks is where the runbooks can be read.
const runbooks = "https://github.com/startupwebapp/startupwebapp/blob/main/docs/runbooks/"

// Runbook is the address of a runbook, by the name of its file without the ending.
func Runbook(name string) string { return runbooks + name + ".md" }
