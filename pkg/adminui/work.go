package adminui

import "time"

// WorkPath is the path below Prefix where each service says what waits for a person; services/admin
// asks all and shows one list.
const WorkPath = "/work-list"

// ExportPath is the path below Prefix where each service exports what it has of a person.
const ExportPath = "/person-export"

// WorkShown is how many items of a kind a service lists; Count is how many there are.
const WorkShown = 20

// WorkKind is what waits for a person for one reason: parked messages, payments that made no order.
type WorkKind struct {
	Name   string    `json:"name"` // as in the metric shop_work_items: parked-messages
	Title  string    `json:"title"`
	Count  int64     `json:"count"`
	Oldest time.Time `json:"oldest,omitzero"`
	To     string    `json:"to,omitempty"` // the page with all of them
	// Runbook is the file in docs/runbooks that says what to do, without its extension.
	Runbook string `json:"runbook"`
	// Calm is for work that is not a fault and is looked through now and then: no badge counts it.
	Calm  bool       `json:"calm,omitempty"`
	Items []WorkItem `json:"items"` // the oldest first, at most WorkShown
}

// WorkItem is one thing that waits.
type WorkItem struct {
	Key    string    `json:"key"`
	Title  string    `json:"title"`
	Name   string    `json:"name,omitempty"` // technical name
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	To     string    `json:"to,omitempty"` // its page
	// Commands are what can be done without looking closer; each posts to an address.
	Commands []Command `json:"commands,omitempty"`
}

// WorkList is the answer of WorkPath.
type WorkList struct {
	Kinds []WorkKind `json:"kinds"`
}

// runbooks is the address of the folder of runbooks.
const runbooks = "https://github.com/startupwebapp/startupwebapp/blob/main/docs/runbooks/"

// Runbook is the address of a runbook, by the name of its file without the extension.
func Runbook(name string) string { return runbooks + name + ".md" }
