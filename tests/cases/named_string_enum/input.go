A named string with constants. Constants belong to a type because they are declared so, or because their value is converted; untyped and
unexported ones do not.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetRoomsOfKind(kind model.RoomKind) ([]*model.Room, error)
}

-- model/room.go --
package model

type RoomKind string

const (
	RoomKindPublic  RoomKind = "P"
	RoomKindPrivate RoomKind = "X"

	RoomNameMaxLength = 64
	roomKindInternal RoomKind = "I"
)

const RoomKindDirect = RoomKind("D")

type Room struct {
	Kind     RoomKind            `json:"kind"`
	Allowed  []RoomKind          `json:"allowed"`
	PerKind  map[RoomKind]string `json:"per_kind"`
	Previous *RoomKind           `json:"previous,omitempty"`
}

func (k RoomKind) MarshalJSON() ([]byte, error) { return nil, nil }
