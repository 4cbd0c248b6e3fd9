package bus

import "sync"

// awaited are the confirmations that callers of Await wait for in this process.
type awaited struct {
	mu    sync.Mutex
	byKey map[awaitedKey]chan struct{}
}

type awaitedKey struct{ receiver, key string }

// maxAwaited bounds what is remembered of keys whose confirmation this process never hears.
const maxAwaited = 10_000

// add returns a channel that is closed when the receiver has confirmed the key. Callers with the
// same key share it.
func (a *awaited) add(k awaitedKey) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	confirmed := a.byKey[k]
	if confirmed == nil {
		if len(a.byKey) >= maxAwaited {
			clear(a.byKey)
		}
		confirmed = make(chan struct{})
		a.byKey[k] = confirmed
	}
	return confirmed
}

// confirm ends the waits for keys of a receiver.
func (a *awaited) confirm(receiver string, keys []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range keys {
		k := awaitedKey{receiver, key}
		if confirmed, ok := a.byKey[k]; ok {
			close(confirmed)
			delete(a.byKey, k)
		}
	}
}
