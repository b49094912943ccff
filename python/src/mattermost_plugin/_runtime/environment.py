"""The process contract: what the host tells a plugin process through its environment.

============================  =========================================================================================
``MM_PLUGIN_HOST_SOCKET``     socket that the host serves: the plugin API and the host's own service
``MM_PLUGIN_SOCKET``          where this process binds its socket, for the hooks
``MM_PLUGIN_TOKEN_FD``        number of an inherited descriptor: the token, in hexadecimal, up to end of file
``MM_PLUGIN_ID``              the plugin's id, for messages before the hello
============================  =========================================================================================

Besides, the host is this process's parent, and holds the other end of its standard input: see `lifeline`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from mattermost_plugin.errors import NotRunningError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HostEnvironment", "in_host"]

HOST_SOCKET = "MM_PLUGIN_HOST_SOCKET"
PLUGIN_SOCKET = "MM_PLUGIN_SOCKET"
TOKEN_FD = "MM_PLUGIN_TOKEN_FD"  # noqa: S105 (a variable's name)
PLUGIN_ID = "MM_PLUGIN_ID"

#: A token is 64 characters; what is much longer is no token.
_MAX_TOKEN = 4096


class HostEnvironment(NamedTuple):
    """Where the host is and how to prove that it started us.

    Attributes:
        host_socket: Path of the socket that the host serves.
        plugin_socket: Path of the socket to make.
        token: What both sides send with every call.
        plugin_id: The plugin's id, "" when the host did not say.
        host_pid: Id of the host's process: only it may serve the one socket and use the other.
    """

    host_socket: str
    plugin_socket: str
    token: str
    plugin_id: str
    host_pid: int

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> HostEnvironment:
        """Reads the environment and the token; the token's descriptor is closed then.

        Raises:
            NotRunningError: No host started this process, or it did it in another way than this SDK knows.
        """
        if not in_host(environ):
            raise NotRunningError(
                "a plugin is started by mm-host, not by hand: run `mm-host dev DIR` with the folder that holds plugin.json"
            )
        missing = [name for name in (HOST_SOCKET, PLUGIN_SOCKET, TOKEN_FD) if not environ.get(name)]
        if missing:
            raise NotRunningError(
                f"the host did not set {' and '.join(missing)}: mm-host and mattermost-plugin-sdk do not fit together; "
                "use the versions of one release"
            )
        return cls(
            host_socket=environ[HOST_SOCKET],
            plugin_socket=environ[PLUGIN_SOCKET],
            token=_read_token(environ[TOKEN_FD]),
            plugin_id=environ.get(PLUGIN_ID, ""),
            host_pid=os.getppid(),
        )


def in_host(environ: Mapping[str, str] = os.environ) -> bool:
    """Returns whether a host started this process."""
    return any(environ.get(name) for name in (HOST_SOCKET, PLUGIN_SOCKET, TOKEN_FD))


def _read_token(descriptor: str) -> str:
    """Reads the token from the inherited descriptor and closes it, so that no child process can read it again."""
    try:
        number = int(descriptor)
        with open(number, "rb") as pipe:
            token = pipe.read(_MAX_TOKEN).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise NotRunningError(
            f"the token cannot be read from {TOKEN_FD}={descriptor!r} ({error}): the descriptor must be inherited, "
            "so mm-host has to start Python itself, without a wrapper that closes descriptors"
        ) from None
    if not token:
        raise NotRunningError(
            f"the pipe {TOKEN_FD}={descriptor} is empty: its token was read before; a plugin process cannot be started twice"
        )
    return token
