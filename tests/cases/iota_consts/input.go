`iota` counts the lines of its group, whatever stands in them: a group that begins with something else does not begin with zero.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Set(kind model.Kind, flags model.Flags, size model.Size, late model.Late) error
}

-- model/consts.go --
package model

type Kind int

const (
	KindText Kind = iota
	KindBool // repeats the expression
	_
	KindRadio
	KindFirst Kind = KindText
)

type Flags uint32

const (
	NameMaxLength = 64
	NameMinLength = 1

	FlagShared Flags = 1 << iota
	FlagInvited
)

type Size int64

const (
	_       = iota
	SizeKiB Size = 1 << (10 * iota)
	SizeMiB
)

type Late int

const (
	LateA, LateB Late = iota, iota + 10
	LateC, LateD
)
