"""The life of a plugin process: connect, make the plugin, say hello, serve hooks, stop.

::

    environment → client → logs → plugin instance → server (socket bound) → hello → threads and loop → … → stop
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from mattermost_plugin import _native
from mattermost_plugin._generated import SURFACE_VERSION
from mattermost_plugin._generated.hooks import HOOKS
from mattermost_plugin._runtime import host_protocol, invoke, lifeline, logs, state
from mattermost_plugin._runtime.codec import make_codec
from mattermost_plugin._runtime.options import REJECT
from mattermost_plugin._runtime.pool import DEFAULT_LIMIT, Pool
from mattermost_plugin._runtime.registry import Registration
from mattermost_plugin._runtime.server_facts import ServerFacts
from mattermost_plugin._runtime.watchdog import PERIOD, Watchdog
from mattermost_plugin._version import __version__
from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
from mattermost_plugin.plugin import MOUNTS

if TYPE_CHECKING:
    from types import FrameType

    from mattermost_plugin._runtime.environment import HostEnvironment
    from mattermost_plugin._runtime.loop import LoopThread
    from mattermost_plugin.plugin import Plugin

__all__ = ["PluginProcess"]

_HELLO_TIMEOUT: Final = 30.0
#: Seconds that running handlers get when the process is told to end by a signal, without a grace period of the host's.
_SIGNAL_GRACE: Final = 5.0
_LOOP_GRACE: Final = 2.0

_CONFIGURATION_HOOK: Final = "OnConfigurationChange"
_HTTP_HOOK: Final = "ServeHTTP"

_log = logging.getLogger("mattermost_plugin.runtime")


class _Terminated(BaseException):
    """Ends the main thread's waiting; no handler ever sees it."""


class PluginProcess:
    """Runs one plugin in this process.

    Args:
        plugin_class: Of which one instance is made.
        environment: Where the host is.
    """

    def __init__(self, plugin_class: type[Plugin], environment: HostEnvironment) -> None:
        self._class = plugin_class
        self._environment = environment
        self._codec = make_codec()
        self._client = _native.Client(
            environment.host_socket,
            self._codec,
            token=environment.token,
            user_agent=f"mattermost-plugin-sdk/{__version__}",
            peer_pid=environment.host_pid,
        )
        self._logs = logs.install()
        self._handlers: dict[str, invoke.BoundHandler] = {}
        self._server: _native.Server
        self._limit = DEFAULT_LIMIT
        self._loop: LoopThread | None = None
        self._loop_lock = threading.Lock()
        self._watchdog = Watchdog()

    def run(self) -> None:
        """Serves the plugin until the host or a signal ends it.

        Raises:
            RpcError: The host refused the hello, or went away before it.
            Exception: Whatever the plugin's ``__init__`` raised.
        """
        _install_exception_hooks()
        _ignore_interrupts()
        lifeline.watch()
        try:
            plugin = self._class()
            self._bind(plugin)
            self._server = self._make_server()
            try:
                self._greet()
                self._serve()
            finally:
                self._server.stop(0.0)
        finally:
            state.set_current(None)
            self._logs.finish()
            self._client.close()

    def _bind(self, plugin: Plugin) -> None:
        """Makes a handler of every registration, by path; and one that keeps the settings fresh in any case."""
        registrations = dict(self._class.__mattermost_hooks__)
        for registration in registrations.values():
            handler = invoke.BoundHandler(plugin, registration)
            self._handlers[handler.spec.path] = handler
        if _CONFIGURATION_HOOK not in registrations:
            spec = HOOKS[_CONFIGURATION_HOOK]
            listener = _ConfigurationListener()
            self._handlers[spec.path] = invoke.BoundHandler(
                listener, Registration(spec, "reload", "the reloading of the settings")
            )
        self._bind_http(plugin)
        handler = self._handlers[HOOKS[_CONFIGURATION_HOOK].path]
        handler.prepare = lambda: state.current("config").reload_config()
        handler.prepare_async = lambda: state.current("config").reload_config_async()

    def _bind_http(self, plugin: Plugin) -> None:
        """Puts a router before the handler of ``ServeHTTP``, when there are routes or applications."""
        routes = self._class.__mattermost_paths__
        mounts = plugin.__dict__.setdefault(MOUNTS, [])
        if not routes and not mounts:
            # What serves HTTP is settled here: the hello says which hooks there are.
            plugin.__dict__[MOUNTS] = None
            return
        from mattermost_plugin._http.router import Router

        spec = HOOKS[_HTTP_HOOK]
        fallback = self._handlers.get(spec.path)
        router = Router(plugin, routes, mounts, fallback)
        routed = invoke.BoundHandler(router, Registration(spec, "find", self._class.__qualname__))
        routed.router, routed.is_async = router, router.is_async
        self._handlers[spec.path] = routed

    def _make_server(self) -> _native.Server:
        methods = {
            path: (handler.spec.request, handler.spec.response, handler.is_async, bool(handler.spec.stream))
            for path, handler in self._handlers.items()
        }
        return _native.Server(
            self._environment.plugin_socket,
            self._codec,
            methods,
            token=self._environment.token,
            peer_pid=self._environment.host_pid,
        )

    def _greet(self) -> None:
        """Says hello; from the answer on the plugin may use the API, and its records travel."""
        path, request, response = host_protocol.HELLO
        hooks = sorted(handler.spec.go for handler in self._handlers.values())
        hello = (
            __version__,
            host_protocol.PROTOCOL_VERSION,
            "{}.{}.{}".format(*sys.version_info),
            SURFACE_VERSION,
            hooks,
            self._class.__qualname__,
            [_hello_options(handler) for handler in self._handlers.values()],
            _install_stack_signal(),
        )
        answer: host_protocol.HostHello = self._client.call(path, request, response, hello, _HELLO_TIMEOUT)
        logs.apply_level(answer.log_level)
        self._logs.connect(self._client, answer.log_level)
        self._limit = answer.max_sync_handlers or DEFAULT_LIMIT
        timeout = answer.api_timeout_ms / 1000 or None
        facts = ServerFacts(answer.missing_api_methods)
        state.set_current(
            state.Running(
                PluginAPIClient(self._client, timeout, facts),
                AsyncPluginAPIClient(self._client, timeout, facts),
                plugin_id=answer.plugin_id,
                plugin_version=answer.plugin_version,
                bundle_path=answer.bundle_path,
            )
        )

    def _serve(self) -> None:
        pool = Pool(self._server, self._serve_sync, limit=self._limit, saturated=self._warn_saturated)
        grace = _SIGNAL_GRACE
        try:
            try:
                _install_signal_handlers()
                pool.start()
                if any(handler.is_async for handler in self._handlers.values()):
                    self._loop_thread()
                while not self._server.wait_shutdown(PERIOD):
                    self._watchdog.look(self._loop)
                grace = self._server.shutdown_grace
            except _Terminated:
                _log.debug("stopping: SIGTERM")
            self._server.stop(grace)
            _restore_signal_handlers()
        except _Terminated:
            # The second one, or the first after the shutdown.
            self._server.stop(0.0)
            _restore_signal_handlers()
        pool.stop()
        if self._loop is not None:
            self._loop.stop(_LOOP_GRACE)

    def _serve_sync(self, call: _native.Call) -> None:
        handler = self._handlers[call.path]
        self._watchdog.enter(call, handler.label)
        invoke.serve_sync(call, handler, self._loop_thread)
        self._watchdog.leave()

    def _loop_thread(self) -> LoopThread:
        """Returns the event loop, started now when it was not needed before."""
        with self._loop_lock:
            if self._loop is None:
                from mattermost_plugin._runtime.loop import LoopThread

                self._loop = LoopThread(self._server, self._handlers)
                self._loop.start()
            return self._loop

    def _warn_saturated(self, pending: int) -> None:
        _log.warning(
            "%d hook calls wait, because %d handlers are running at the same time; make them faster or write them as "
            "`async def`",
            pending,
            self._limit,
        )


def _hello_options(handler: invoke.BoundHandler) -> tuple[object, ...]:
    """Returns what a handler asks of the host, as ``HookOptions``."""
    options = handler.options
    return (
        handler.spec.go,
        0 if options.deadline is None else max(1, round(options.deadline * 1000)),
        host_protocol.ON_ERROR_REJECT if options.on_error == REJECT else host_protocol.ON_ERROR_ALLOW,
        options.rejection,
        options.idempotent,
        not handler.is_async,
    )


def _install_stack_signal() -> int:
    """Lets a signal print where all threads are, also while one of them keeps the GIL; returns the signal's number.

    SIGQUIT is the one that does the same in Go and Java. 0 when a library has a handler for it already.
    """
    # Ignored is what a program that was started in the background inherits, and no wish of the plugin's.
    if signal.getsignal(signal.SIGQUIT) not in (signal.SIG_DFL, signal.SIG_IGN):
        return 0
    import faulthandler

    faulthandler.register(signal.SIGQUIT, file=2, all_threads=True)
    return int(signal.SIGQUIT)


class _ConfigurationListener:
    """Stands in for ``OnConfigurationChange`` in plugins without a handler of their own: `self.config` must stay fresh."""

    def reload(self) -> None:
        """Nothing besides what is done before every such handler: the settings are loaded again."""


def _ignore_interrupts() -> None:
    """SIGINT is for the host, which then stops its plugins in order; also while it is starting them."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _install_signal_handlers() -> None:
    """SIGTERM ends the process gracefully."""
    if threading.current_thread() is not threading.main_thread():
        return

    def terminate(_signum: int, _frame: FrameType | None) -> None:
        raise _Terminated

    signal.signal(signal.SIGTERM, terminate)


def _restore_signal_handlers() -> None:
    """From here on a signal ends the process at once, so that a thread of the plugin's own cannot keep it."""
    if threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _install_exception_hooks() -> None:
    """What ends a thread of the plugin's own, or a finalizer, is logged as one record.

    What ends the main thread is printed as always: the host shows the last lines when a plugin does not start.
    """

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit or args.exc_value is None:
            return
        name = args.thread.name if args.thread is not None else "unknown"
        _log.error("the thread %s ended with an error", name, exc_info=args.exc_value)

    def unraisable_hook(args: sys.UnraisableHookArgs) -> None:
        text = args.err_msg or "an exception that could not be raised, in"
        _log.error("%s %r", text, args.object, exc_info=args.exc_value)

    threading.excepthook = thread_hook
    sys.unraisablehook = unraisable_hook
