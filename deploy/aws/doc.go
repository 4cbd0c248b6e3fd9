// Package aws makes, changes and takes away a shop at Amazon Web Services. The templates beside it
// are CloudFormation's; a shop is a row of stacks called shop-<name>-<part>, and what one of them
// puts out is what the next ones take as parameters. Every change is a change set first, so that
// plan shows what create would do, and create is safe to repeat.
package aws
