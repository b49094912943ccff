A pointer to a scalar is a value that may be missing; a scalar is always there. `omitempty` says something about JSON only.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	PatchDevice(deviceID string, patch *model.DevicePatch) (*model.DevicePatch, *model.AppError)
}

-- model/device.go --
package model

type DevicePatch struct {
	Name     *string  `json:"name"`
	Enabled  *bool    `json:"enabled,omitempty"`
	Retries  *int     `json:"retries"`
	Quota    *int64   `json:"quota"`
	Ratio    *float64 `json:"ratio"`
	Revision int64    `json:"revision,omitempty"`
}
