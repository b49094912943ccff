A file that belongs to another package.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Thing
}

-- model/thing.go --
package model

type Thing struct{ A string }

-- model/zzz.go --
package other
