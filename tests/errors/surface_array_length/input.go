The length of an array that this reader cannot compute.

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

type Thing struct {
	Digest [other.Size]byte
}
