A registration whose type cannot be told.

-- plugin/rpc.go --
package plugin

import "encoding/gob"

func init() {
	gob.Register(makeOne())
}
