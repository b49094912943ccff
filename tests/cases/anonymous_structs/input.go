A struct without a name is named after the field that holds it. The empty one stays as it is.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetPacket() (*model.Packet, error)
}

-- model/packet.go --
package model

type Packet struct {
	License struct {
		Company string `json:"company"`
		Users   int    `json:"users"`
		Support struct {
			Until int64 `json:"until"`
		} `json:"support"`
	} `json:"license"`
	Nodes []struct {
		Host string `json:"host"`
	} `json:"nodes"`
	Seen map[string]struct{} `json:"seen"`
}
