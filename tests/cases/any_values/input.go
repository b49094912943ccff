`any` and what holds it.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Publish(event string, payload map[string]any, extra any) (any, error)
}

-- model/props.go --
package model

type Props map[string]any

-- plugin/broadcast.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type Z_PublishArgs struct {
	A string
	B map[string]interface{}
	C any
	D model.Props
	E []any
}
