"""The whole width of the API, with grpcio and the official protobuf as the other side.

Nothing here names a method, a hook or a model, but for the few that are streams: what there is comes from the proto files, from
`surface/surface.json` and from the SDK's annotations, and the three have to agree.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from width_peer import Peer
from width_protocol import ROOT, Protocol

from mattermost_plugin import _native
from mattermost_plugin._runtime.codec import make_codec
from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient

TIMEOUT = 10.0


@pytest.fixture(scope="session")
def surface() -> dict[str, Any]:
    """What upstream's Go source declares."""
    described: dict[str, Any] = json.loads((ROOT / "surface" / "surface.json").read_text())
    return described


@pytest.fixture(scope="session")
def older_surfaces() -> list[dict[str, Any]]:
    """The same of the older servers, in the order in which their fields come into the messages."""
    folder = ROOT / "surface" / "versions"
    described = [json.loads(it.read_text()) for it in sorted(folder.glob("*.json"))]
    assert described
    return described


@pytest.fixture(scope="session")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    """The official messages of the proto files."""
    return Protocol(tmp_path_factory.mktemp("proto"))


@pytest.fixture(scope="session")
def codec() -> _native.Codec:
    """The codec as a plugin has it."""
    return make_codec()


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    """A path for a socket, short enough for the system's limit."""
    with TemporaryDirectory(prefix="mm") as folder:
        yield f"{folder}/host.sock"


@pytest.fixture(scope="module")
def peer(protocol: Protocol, socket: str) -> Iterator[Peer]:
    """A grpcio server for every method of the API."""
    peer = Peer(protocol, socket)
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def client(peer: Peer, codec: _native.Codec, socket: str) -> Iterator[_native.Client]:
    """A connection to it."""
    client = _native.Client(socket, codec, token=peer.token)
    yield client
    client.close()


@pytest.fixture(scope="module", params=["sync", "async"])
def call(request: pytest.FixtureRequest, client: _native.Client) -> Iterator[Callable[..., Any]]:
    """Calls a method of the API by name, by the blocking client or by the other."""
    api, aio = PluginAPIClient(client, TIMEOUT), AsyncPluginAPIClient(client, TIMEOUT)
    loop = asyncio.new_event_loop()

    def blocking(name: str, /, *args: object, **fields: object) -> Any:
        return getattr(api, name)(*args, **fields)

    def awaited(name: str, /, *args: object, **fields: object) -> Any:
        return loop.run_until_complete(getattr(aio, name)(*args, **fields))

    yield blocking if request.param == "sync" else awaited
    loop.close()
