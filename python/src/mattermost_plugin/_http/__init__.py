"""HTTP: messages, routes, and the adapters for ASGI and WSGI. `mattermost_plugin.http` and `mattermost_plugin.routes` are its public faces."""
