A declared type is made of one that is not.

-- overrides.toml --
[external."pq.Error"]
import = "github.com/lib/pq"
kind = "struct"
why = "Its fields, from its source."
fields = [{ name = "Code", type = "pq.ErrorCode" }]

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Thing
}

-- model/thing.go --
package model

import "github.com/lib/pq"

type Thing struct{ E *pq.Error }
