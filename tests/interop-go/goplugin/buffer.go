package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// text keeps what is written to it.
type text struct {
	sync.Mutex
	strings.Builder
}

func (t *text) Write(piece []byte) (int, error) {
	t.Lock()
	defer t.Unlock()
	return t.Builder.Write(piece)
}

func (t *text) String() string {
	t.Lock()
	defer t.Unlock()
	return t.Builder.String()
}

// logged is what go-plugin warns of.
var logged = new(text)

// buffer counts what is written to it, and can keep its writer waiting.
type buffer struct {
	sync.Mutex
	changed *sync.Cond
	count   int
	stalled bool
}

func newBuffer() *buffer {
	b := new(buffer)
	b.changed = sync.NewCond(&b.Mutex)
	return b
}

func (b *buffer) Write(text []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	for b.stalled {
		b.changed.Wait()
	}
	b.count += len(text)
	return len(text), nil
}

func (b *buffer) stall() {
	b.Lock()
	defer b.Unlock()
	b.stalled = true
}

func (b *buffer) resume() {
	b.Lock()
	defer b.Unlock()
	b.stalled = false
	b.changed.Broadcast()
}

func (b *buffer) waitFor(count int) error {
	for range 500 {
		b.Lock()
		got := b.count
		b.Unlock()
		if got == count {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%d bytes came, wanted %d", b.count, count)
}
