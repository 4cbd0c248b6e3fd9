package edge

import "sync"

// buffers are for copying answers, one after the other in the same memory: the reverse proxy would otherwise
// take 32 kB for each (docs/adr/0019).
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 16<<10)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
