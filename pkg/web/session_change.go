package web

import (
	"encoding/json"
	"time"
)

// Headers of owners' answers that edge acts on and strips.
const (
	// SetCartHeader names the cart that a visitor has from now on; edge makes it the an_ct cookie.
	SetCartHeader = "X-Shop-Set-Cart"
	// SessionHeader tells edge to open or change sessions; its value is a SessionChange in JSON.
	SessionHeader = "X-Shop-Session"
)

// SessionAction is what edge does to sessions.
type SessionAction string

// The actions of a SessionChange.
const (
	// SessionOpen starts a session for Member and moves the visitor's cart to them (login,
	// registration).
	SessionOpen SessionAction = "open"
	// SessionRenew gives the asking session a new token and ends the member's other sessions
	// (password change).
	SessionRenew SessionAction = "renew"
	// SessionEndAll ends every session of Member (password reset).
	SessionEndAll SessionAction = "end-all"
	// SessionUpdate writes Member into the member's sessions (changed name or address).
	SessionUpdate SessionAction = "update"
)

// SessionChange is what user's answer has edge do before the shopper sees the answer.
type SessionChange struct {
	Action SessionAction `json:"action"`
	// At is when user checked the password, or replaced it: a session is as old as that. Zero is
	// now.
	At       time.Time     `json:"at,omitzero"`
	Remember bool          `json:"remember,omitempty"`
	Member   SessionMember `json:"member,omitzero"`
	// KeepCart leaves the visitor's cart cookie in the browser when a session opens.
	KeepCart bool `json:"keep_cart,omitempty"`
	// Failed is the answer in place of user's when a session cannot be opened or renewed; without
	// one it is 503.
	Failed json.RawMessage `json:"failed,omitempty"`
	// Overtaken is the same when the password changed, or the member was erased, after At; without
	// one it is Failed.
	Overtaken json.RawMessage `json:"overtaken,omitempty"`
}

// SessionMember is what a session knows of its member.
type SessionMember struct {
	ID        int64  `json:"id"`
	Username  string `json:"username"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	Code      string `json:"mb_cd"`
}
