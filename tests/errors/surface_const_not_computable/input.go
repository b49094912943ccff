A constant of a reachable type that this reader cannot compute, and one that is defined by itself.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Thing
}

-- model/thing.go --
package model

import "example.com/other"

type Thing string

const (
	ThingOther Thing = other.Name
	ThingLoop  Thing = ThingLoop + "x"
)
