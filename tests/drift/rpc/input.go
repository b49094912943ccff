net/rpc code that follows no method: what upstream writes by hand.

-- plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(itemID string) string
}

-- before/plugin/rpc.go --
package plugin

type Z_OpenArgs struct {
	A string
	B int
}

type Z_GoneArgs struct {
	A string
}

type dbRPCServer struct{}

func (s *dbRPCServer) Open(args *Z_OpenArgs, ok *bool) error { return nil }
func (s *dbRPCServer) Close(args string, ok *bool) error { return nil }
func (s *dbRPCServer) Drop(args string, ok *bool) error { return nil }

-- after/plugin/rpc.go --
package plugin

type Z_OpenArgs struct {
	A string
	B string
	C bool
}

type Z_NewArgs struct {
	A string
}

type dbRPCServer struct{}

func (s *dbRPCServer) Open(args *Z_OpenArgs, ok *bool) error { return nil }
func (s *dbRPCServer) Close(args int, ok *bool) error { return nil }
func (s *dbRPCServer) Make(args *Z_NewArgs, ok *bool) error { return nil }
