The structs of the net/rpc services, with the names their fields really have, and what each method of a service takes and fills. And which methods upstream writes by hand.

-- plugin/rpc.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type Z_CreateArgs struct {
	A *model.Item
	B []any
}

type Z_CreateReturns struct {
	A *model.Item
	B error
}

type Z_LoadArgsArgs struct{}

type Z_ServeArgs struct {
	StreamId uint32
	Context  *Context
}

type Context struct {
	UserAgent string
}

type Header map[string][]string

type apiRPCServer struct {
	impl API
}

type hooksRPCServer struct{}

func (s *apiRPCServer) Create(args *Z_CreateArgs, returns *Z_CreateReturns) error { return nil }

func (s *apiRPCServer) Load(args *Z_LoadArgsArgs, returns *struct{}) error { return nil }

func (s *apiRPCServer) SetHeader(args Header, reply *int) error { return nil }

func (s *apiRPCServer) helper(args Header, reply *int) error { return nil }

func (s *apiRPCServer) NotOffered(args Header) error { return nil }

func (s *hooksRPCServer) Serve(args *Z_ServeArgs, returns *struct{}) error { return nil }

-- model/item.go --
package model

type Item struct {
	Id string `json:"id"`
}

-- plugin/interface_generator/main.go --
package main

var excludedPluginHooks = []string{
	"Load",
	"Create",
}
