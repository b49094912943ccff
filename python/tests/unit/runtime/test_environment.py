"""The process contract's variables and the token."""

from __future__ import annotations

import os

import pytest

from mattermost_plugin._runtime.environment import HostEnvironment, in_host
from mattermost_plugin.errors import NotRunningError


def pipe(content: bytes) -> int:
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return read


def variables(**changes: str) -> dict[str, str]:
    return {
        "MM_PLUGIN_HOST_SOCKET": "/x/host.sock",
        "MM_PLUGIN_SOCKET": "/x/plugin.sock",
        "MM_PLUGIN_ID": "com.example",
        **changes,
    }


def test_the_environment_is_read_and_the_token_closed() -> None:
    descriptor = pipe(b"ab12\n")
    environment = HostEnvironment.read(variables(MM_PLUGIN_TOKEN_FD=str(descriptor)))
    assert environment == ("/x/host.sock", "/x/plugin.sock", "ab12", "com.example", os.getppid())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_without_a_host_it_says_how_to_run_a_plugin() -> None:
    assert not in_host({})
    with pytest.raises(NotRunningError, match=r"started by mm-host, not by hand: run `mm-host dev DIR`"):
        HostEnvironment.read({})


def test_a_part_of_the_environment_is_named() -> None:
    with pytest.raises(
        NotRunningError, match=r"did not set MM_PLUGIN_SOCKET and MM_PLUGIN_TOKEN_FD: .*do not fit together"
    ):
        HostEnvironment.read({"MM_PLUGIN_HOST_SOCKET": "/x"})


@pytest.mark.parametrize("descriptor", ["abc", "987"])
def test_a_descriptor_that_is_none(descriptor: str) -> None:
    with pytest.raises(NotRunningError, match=f"the token cannot be read from MM_PLUGIN_TOKEN_FD='{descriptor}'"):
        HostEnvironment.read(variables(MM_PLUGIN_TOKEN_FD=descriptor))


def test_a_token_that_was_read_before() -> None:
    with pytest.raises(NotRunningError, match="is empty: its token was read before"):
        HostEnvironment.read(variables(MM_PLUGIN_TOKEN_FD=str(pipe(b""))))
