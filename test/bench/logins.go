package bench

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// loginMembers log in concurrently, again and again.
const loginMembers = 8

// logins compares complete logins through edge with the bare hash.
func (w *backing) logins(ctx context.Context) error {
	s, err := w.openShop(w.settings()...)
	if err != nil {
		return err
	}
	defer s.stop()              //nolint:errcheck // measured by then, or failed for another reason
	visitor, err := s.visitor() // who is not logged in yet
	if err != nil {
		return err
	}

	var requests [loginMembers]string
	for i := range requests {
		member, err := s.visitor()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("bench_login_%d", i)
		if err := member.register(name); err != nil {
			return err
		}
		form := url.Values{"username": {name}, "password": {password}, "remember_me": {"false"}}.Encode()
		requests[i] = "POST /user/login HTTP/1.1\r\nHost: " + s.addr +
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nX-CSRFToken: " + visitor.cookie("csrftoken") +
			"\r\n" + visitor.cookies() + "\r\nContent-Length: " + strconv.Itoa(len(form)) + "\r\n\r\n" + form
	}

	next := func(worker int, buf []byte) []byte { return append(buf, requests[worker]...) }
	if _, body, err := fetch(s.addr, next); err != nil {
		return err
	} else if !strings.Contains(string(body), `"login": "true"`) && !strings.Contains(string(body), `"login":"true"`) {
		return fmt.Errorf("log in: %s", body)
	}

	r := result{what: "logins", against: "bare argon2id", want: 0.9,
		how: fmt.Sprintf("%d members, %d hashes at once", loginMembers, hashesAtOnce)}
	var ours, bare spent
	err = w.turns(ctx, r, w.rounds, func(context.Context) (float64, error) { return w.hashes(&bare) },
		func(ctx context.Context) (float64, error) {
			end := w.meter(s.part)
			rate, err := load(ctx, s.addr, loginMembers, hashTime, next)
			ours.add(end(rate * hashTime.Seconds()))
			return rate, err
		})
	if err != nil {
		return err
	}

	w.notes = append(w.notes, fmt.Sprintf("Processor time, logins: %s; bare hash: %s. The hash's share: %.2f.", ours,
		bare,
		bare.each()/ours.each()))
	return s.stop()
}

// hashes is the rate of the bare hash in a process of its own. It adds the processor time to cost.
func (w *backing) hashes(cost *spent) (float64, error) {
	p, err := w.start("hash", "")
	if err != nil {
		return 0, err
	}
	text, err := p.awaitLine("rate")
	if err != nil {
		return 0, err
	}
	if err := p.cmd.Wait(); err != nil { // it ends by itself
		return 0, err
	}
	rate, err := strconv.ParseFloat(text, 64)
	cost.add(spent{service: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(),
		done: rate * hashTime.Seconds()})
	return rate, err
}
