// Package fault marks the steps between which a crash must lose nothing and double nothing. In an
// ordinary build a point does nothing. In a program that is linked with Armed, the environment says
// at which point the process kills itself as a power cut would: FAULT="webhook.stored:2" is the
// second time that the step "stored" of "webhook" is reached. Several points are separated by
// commas. With FAULT_FILE it is the process of PostgreSQL that dies, whose postmaster.pid that is,
// and this one goes on.
package fault

// Armed is the flag of `go build` that links a program which heeds FAULT.
const Armed = "-ldflags=-X=github.com/startupwebapp/startupwebapp/pkg/fault.armed=yes"
