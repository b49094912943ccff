Types of the module's other packages are read when a reachable type refers to them, and only then; a package may be called other than its folder.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Post
}

-- model/post.go --
package model

import (
	"github.com/mattermost/mattermost/server/public/shared/text-lib"
	zones "github.com/mattermost/mattermost/server/public/shared/timezones"
)

type Post struct {
	Message text.Message  `json:"message"`
	Zone    *zones.Zone   `json:"zone"`
	Derived DerivedZone   `json:"derived"`
}

type DerivedZone zones.Zone

-- shared/text-lib/text.go --
package text

type Message struct {
	Parts []Part
}

type Part string

const PartBreak Part = "br"

-- shared/timezones/zones.go --
package timezones

type Zone struct {
	Name string `json:"name"`
}

-- shared/unused/broken.go --
package unused

this is no Go, and nobody asks
