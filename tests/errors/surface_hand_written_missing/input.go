Upstream's generator does not hold the list of what it leaves out.

-- plugin/interface_generator/main.go --
package main

var excludedPluginHooks = names()
