// Package user is accounts, prospects, terms of use, preferences and chat.
//
// routes.go lists every request, consumers.go every subscription; each topic has a file of handlers
// and one of SQL beside it. Sessions, the CSRF token and limits are edge's: an answer here tells edge
// in a header what becomes of sessions. Mails and news for other services leave through the outbox,
// in the transaction of the change that they report, so nothing is ever half done. commands.go has
// what staff run by hand: export and erase a person, publish terms.
package user
