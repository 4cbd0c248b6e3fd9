// Package events is what shoppers did: page views, clicks, failed calls, tracked links, and the
// orders and mails that go with them, for reports. Nothing here matters to an order; losing the
// last moments in a power cut is acceptable, blocking anybody is not.
package events
