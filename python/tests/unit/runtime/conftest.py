"""What these tests share: their support on the path, and a client of the host."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mattermost_plugin import _native
from mattermost_plugin._runtime.codec import make_codec

sys.path.insert(0, str(Path(__file__).parent / "support"))


@pytest.fixture
def client(host: Any) -> Iterator[_native.Client]:
    """A client of the host that the test is."""
    client = _native.Client(host.socket("host"), make_codec(), token=host.token)
    yield client
    client.close()
