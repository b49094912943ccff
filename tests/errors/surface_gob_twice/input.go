One wire name for two types.

-- plugin/rpc.go --
package plugin

import "encoding/gob"

func init() {
	gob.RegisterName("thing", One{})
	gob.RegisterName("thing", Two{})
}

type One struct{ A string }

type Two struct{ A string }
