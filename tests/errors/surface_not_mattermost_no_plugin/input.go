A Go module, but another one.

-- go.mod --
module example.com/other

-- main.go --
package main

-- model/version.go --
package model
