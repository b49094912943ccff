The methods of embedded interfaces are methods of the interface, of another package too.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	Basic
	model.Store

	// Minimum server version: 5.2
	Zero()
}

type Basic interface {
	// Minimum server version: 5.3
	// @tag Basic
	Ping(value Pinger) error
}

type Pinger interface {
	Basic
	Name() string
}

-- model/store.go --
package model

type Store interface {
	// Minimum server version: 5.4
	Load(key string) (Item, error)
}

type Item struct{ Value any }
