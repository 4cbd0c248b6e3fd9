// Package checks tests what the repository promises about itself: who may import whom, what each
// service may send on the broker, that the deployment's files fit the code, that the documents name
// every setting. It has tests only.
package checks
