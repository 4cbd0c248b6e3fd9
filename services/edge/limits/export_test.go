package limits

// Held is how many counters and slots this process remembers.
func (l *Limiter) Held() (local, inFlight int) {
	l.inFlight.mu.Lock()
	defer l.inFlight.mu.Unlock()
	return l.local.size(), len(l.inFlight.keys)
}

// MaxLocal bounds the first of them.
const MaxLocal = maxLocal
