// Package user is accounts, prospects, terms of use, preferences and chat.
package user
