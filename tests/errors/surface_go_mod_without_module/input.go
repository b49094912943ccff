A go.mod that names no module.

-- go.mod --
go 1.24

-- plugin/api.go --
package plugin

type API interface{}
