"""Nothing stays behind: memory and file descriptors after many calls of every kind."""

from __future__ import annotations

import contextlib
import gc
import sys
import textwrap
import weakref
from pathlib import Path

import echo
import pytest
from echo import Everything, Inner
from samples import FULL
from scripts import run

from mattermost_plugin import _native

#: What the process may grow by while the same work is repeated: the allocator's noise, far less than one kept object per call.
NOISE = 3 << 20

MEASURE = """
def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def grown(work, times=3):
    # Twice before the measurement: caches and arenas have their size then.
    work(); work()
    before, descriptors = resident(), len(os.listdir("/proc/self/fd"))
    for _ in range(times):
        work()
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2
    print(max(0, resident() - before))

server = _native.Server(path, codec, echo.METHODS)
client = _native.Client(path, codec)
async def answer(call):
    call.reply((1, "x" * 1000))
"""

WORK = {
    "calls": """
        for _ in range(4): start(serve, server)
        def work():
            for _ in range(1000): client.call(*SAY, ("x" * 1000, b"y" * 1000), 5)
        grown(work)
    """,
    "failing calls": """
        def handle(call):
            call.fail(5, "gone", echo.AppError(id="x" * 1000))
        for _ in range(4): start(serve, server, handle)
        def work():
            for _ in range(1000): quietly(client.call, *SAY, ("x", b""), 5)
        grown(work)
    """,
    "calls that come too late": """
        for _ in range(4): start(serve, server, lambda call: time.sleep(0.004))
        def work():
            for _ in range(200): quietly(client.call, *SAY, ("x" * 1000, b""), 0.002)
        grown(work)
    """,
    "async calls": """
        async def main():
            loop = asyncio.get_running_loop()
            tasks = set()
            def drain():
                for call in server.drain_async():
                    task = loop.create_task(answer(call)); tasks.add(task); task.add_done_callback(tasks.discard)
            loop.add_reader(server.fileno(), drain)
            for _ in range(50): await asyncio.gather(*[client.call_async(*PAIR, (n,)) for n in range(10)])
            for _ in range(50): client.call_async(*PAIR, (1,)).cancel()
            await asyncio.sleep(0.01)
            loop.remove_reader(server.fileno())
        grown(lambda: asyncio.run(main()))
    """,
    "streams": """
        def chat(call):
            while (message := call.read_message()) is not None: call.write_message((message[0],))
            call.finish()
        for _ in range(2): start(serve, server, lambda call: quietly(chat, call))
        def work():
            for number in range(100):
                stream = client.stream(*CHAT)
                stream.write(("x" * 10_000, b""))
                stream.read()
                if number % 2: stream.cancel()
                else: stream.done_writing(); stream.read()
        grown(work)
    """,
    "servers and clients": """
        def work():
            for number in range(20):
                other = _native.Server(path + "x", codec, echo.METHODS)
                thread = start(serve, other)
                mine = _native.Client(path + "x", codec)
                mine.call(*SAY, ("x", b""))
                mine.close()
                other.stop()
                thread.join()
        grown(work)
    """,
}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize("name", WORK)
def test_memory_does_not_grow_with(name: str, socket: str) -> None:
    result = run(MEASURE + textwrap.dedent(WORK[name]), socket, timeout=100)
    assert result.stderr == ""
    assert int(result.stdout) < NOISE


def test_the_codec_keeps_no_references(codec: _native.Codec) -> None:
    text, inner, items = "a text of its own", Inner(name="x"), ["one", "two"]
    value = Everything(a_string=text, by_pointer=inner, texts=items, value={"k": items}, strings={text: text})
    before = [sys.getrefcount(it) for it in (text, inner, items, value)]
    data = codec.encode("Everything", value)
    for _ in range(100):
        codec.encode("Everything", value)
        codec.decode("Everything", data)
    assert [sys.getrefcount(it) for it in (text, inner, items, value)] == before


def test_failures_of_the_codec_keep_no_references(codec: _native.Codec) -> None:
    bad = Everything(texts=["fine", 1], values={"k": object()})  # type: ignore[list-item]
    before = sys.getrefcount(bad)
    data = codec.encode("Everything", FULL)
    for length in range(len(data)):
        for work in (lambda: codec.encode("Everything", bad), lambda n=length: codec.decode("Everything", data[:n])):
            with contextlib.suppress(TypeError, ValueError):
                work()
    gc.collect()
    assert sys.getrefcount(bad) == before


def test_decoded_objects_are_freed(codec: _native.Codec) -> None:
    class Tracked(Inner):
        pass

    own = _native.Codec({"Tracked": (Tracked, echo.TABLES["Inner"][1]), "Inner": echo.TABLES["Inner"]}.__getitem__)
    decoded = own.decode("Tracked", b"\x0a\x01x\x1a\x03\x0a\x01y")
    reference = weakref.ref(decoded)
    assert (decoded.name, decoded.child) == ("x", Inner(name="y"))
    del decoded
    assert reference() is None
