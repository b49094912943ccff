A type of another module that is not declared.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Thing
}

-- model/thing.go --
package model

import "github.com/example/semver/v3"

type Thing struct {
	Version  *semver.Version
	Versions []semver.Version
}
