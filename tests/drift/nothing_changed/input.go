Two trees that differ in nothing that is sent: a comment, a field of a struct's own.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(itemID string) (*model.Item, *model.AppError)
}

-- before/model/item.go --
package model

type Item struct {
	Id string `json:"id"`
}

-- after/model/item.go --
package model

// An item.
type Item struct {
	Id string `json:"id"`
	cache []byte
}
