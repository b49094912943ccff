"""What these tests share: their support on the path, and a client of the host."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

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


class Gate:
    """Where a handler waits for the test: it opens the path for reading, which takes as long as nobody opens it here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.mkfifo(path)

    def __str__(self) -> str:
        return str(self._path)

    def open(self) -> BinaryIO:
        """Lets in who waits, or the first who comes."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return os.fdopen(os.open(self._path, os.O_WRONLY | os.O_NONBLOCK), "wb")
            except OSError as error:
                if error.errno != errno.ENXIO or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Lets a handler wait for the test."""
    return Gate(tmp_path / "gate")
