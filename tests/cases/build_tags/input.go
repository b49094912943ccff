Only the default build counts: Linux, no tags of one's own. The two files that define `Environment` are never compiled together.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetEnvironment() model.Environment
}

-- model/environment_dev.go --
//go:build !production

package model

type Environment struct {
	Dev bool
}

-- model/environment_production.go --
//go:build production

package model

type Environment struct {
	Production bool
}

-- model/environment_windows.go --
package model

type Environment struct {
	Registry string
}

-- model/environment_test.go --
package model

type Environment struct {
	Test bool
}

-- model/old.go --
// +build !linux

package model

type Environment struct {
	Old bool
}
