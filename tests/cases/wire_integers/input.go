Every size of number, and bytes.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() model.Numbers
}

-- model/numbers.go --
package model

type Numbers struct {
	A int
	B int8
	C int16
	D int32
	E int64
	F uint
	G uint8
	H uint16
	I uint32
	J uint64
	K float32
	L float64
	M bool
	N byte
	O rune
	P []byte
	Q [2 + size]byte
	R uintptr
}

const size = 3
