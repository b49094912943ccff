package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"reflect"
)

// pattern is what large files are made of.
var pattern = bytes.Repeat([]byte("0123456789abcde\n"), 4096)

// Large tells of a file that was too large to be kept.
type Large struct {
	// Lent and Taken are lengths: of the file that the plugin was given, as far as it has read it, and of what it gave back.
	Lent  int64 `json:"lent"`
	Taken int64 `json:"taken"`
	// LentHash and TakenHash are their SHA-256.
	LentHash  string `json:"lent_hash"`
	TakenHash string `json:"taken_hash"`
}

// lent is a file that is made while it is read.
type lent struct {
	left, length int64
	hash         hash.Hash
}

func (l *lent) Read(into []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	start := (l.length - l.left) % int64(len(pattern))
	n := copy(into[:min(int64(len(into)), l.left)], pattern[start:])
	l.hash.Write(into[:n])
	l.left -= int64(n)
	return n, nil
}

// taken counts what is written and forgets it.
type taken struct {
	length int64
	hash   hash.Hash
}

func (t *taken) Write(piece []byte) (int, error) {
	t.length += int64(len(piece))
	return t.hash.Write(piece)
}

// enlarge replaces the first reader and the first writer among the arguments; the function gives what became of them.
func enlarge(args []reflect.Value, length int64) func() *Large {
	from, to := &lent{length, length, sha256.New()}, &taken{hash: sha256.New()}
	for i, arg := range args {
		switch arg.Type() {
		case reflect.TypeFor[io.Reader]():
			args[i] = reflect.ValueOf(from)
		case reflect.TypeFor[io.Writer]():
			args[i] = reflect.ValueOf(to)
		}
	}
	return func() *Large {
		sum := func(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
		return &Large{length - from.left, to.length, sum(from.hash), sum(to.hash)}
	}
}
