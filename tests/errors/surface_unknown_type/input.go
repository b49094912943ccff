Types that nothing declares: in the same package, in another package of the module, of a package that is not imported.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Thing
}

-- model/thing.go --
package model

import "github.com/mattermost/mattermost/server/public/shared/text"

type Thing struct {
	A Missing
	B text.Missing
	C nowhere.Missing
}

-- shared/text/text.go --
package text
