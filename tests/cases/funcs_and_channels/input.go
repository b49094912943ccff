Functions, channels and what only unexported fields use: named, never followed. The types in them need no declaration.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Run(job *model.Job) error
}

-- model/job.go --
package model

import (
	"context"
	"sync"
	"sync/atomic"
)

type Translate func(id string, args ...any) string

type Job struct {
	Id       string
	T        Translate                   `json:"-"`
	OnDone   func(context.Context) error `json:"-"`
	Progress chan int                    `json:"-"`
	Stop     <-chan struct{}             `json:"-"`
	Out      chan<- *Internal            `json:"-"`
	mu       sync.Mutex
	count    atomic.Pointer[Internal]
	cache    map[string]*Internal
}

type Internal struct {
	Hidden string
}
