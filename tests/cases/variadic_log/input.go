A variadic parameter is a list at the end.

-- plugin/api.go --
package plugin

type API interface {
	// Minimum server version: 5.2
	LogDebug(msg string, keyValuePairs ...any)

	// Minimum server version: 5.2
	LogWarn(msg string, keyValuePairs ...interface{})
}
