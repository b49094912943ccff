A registration under a name that cannot be told.

-- plugin/rpc.go --
package plugin

import "encoding/gob"

type Box struct {
	Id string
}

func init() {
	gob.RegisterName(nameOfTheDay(), &Box{})
}
