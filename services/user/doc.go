// Package user has accounts, prospects, terms of use, preferences and chat.
//
// routes.go lists every request, consumers.go every subscription; each topic has a file of handlers
// and one of SQL. Sessions, the CSRF token and limits are edge's: an answer of user tells edge in a
// header what to do with sessions. Mails and messages to other services leave through the outbox,
// in the transaction of the change that they report, so nothing is ever half done. commands.go has
// what staff run by hand: export and erase a person, publish terms.
package user
