// Package events is what shoppers did: page views, clicks, failed calls, tracked links.
package events
