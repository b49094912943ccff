"""What runs a plugin: the process contract, dispatch of hooks, the API's calls, logs. Nothing here is public.

::

    process ── environment      who started us, sockets, token
       ├── watchdog             says which handler hangs, and where
       ├── lifeline             ends the process when the host is gone
       ├── state                what a running plugin's instance can reach: api, aio, config
       ├── registry, results    which method handles which hook; what it may return
       ├── invoke               one call of a handler: arguments, result, failure
       │     ├── exchange       hooks with streams: ServeHTTP, files
       │     ├── pool           handlers written as `def`, on threads that wait in the native core
       │     └── loop           handlers written as `async def`, on one event loop
       ├── api_base, failures   calls of the API; gRPC statuses to exceptions and back
       │     ├── api_streams    those with streams
       │     └── server_facts   what is known of the server: version, methods that it lacks
       ├── codec, host_protocol tables for the native codec
       └── logs                 records of `logging` to the host
"""
