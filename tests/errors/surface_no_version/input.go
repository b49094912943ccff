The list of versions is missing.

-- model/version.go --
package model

var versions = someOther()
