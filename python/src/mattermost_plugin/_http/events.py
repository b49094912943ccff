"""Server-sent events: what generators yield, as a browser's ``EventSource`` reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import Any, TypeAlias

__all__ = ["EVENT_HEADERS", "EventData", "Events", "ServerSentEvent", "encode"]

_LINE_END: Final = re.compile("\r\n|\r|\n")

#: ``X-Accel-Buffering`` is for nginx, which most servers stand behind: it would hold events back.
EVENT_HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class ServerSentEvent:
    """One event for a browser's ``EventSource``.

    Attributes:
        data: A text, or a dict, list, number, … sent as JSON.
        event: Its type; "" is ``message``.
        id: What the browser sends back as ``Last-Event-ID`` when it connects again.
        retry: Milliseconds after which it does.
    """

    __slots__ = ("data", "event", "id", "retry")

    def __init__(self, data: object = "", *, event: str = "", id: str = "", retry: int | None = None) -> None:  # noqa: A002
        for name, value in (("event", event), ("id", id)):
            if _LINE_END.search(value) or "\0" in value:
                raise ValueError(f"{name} of an event is one line")
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry

    def __repr__(self) -> str:
        return f"ServerSentEvent({self.data!r}, event={self.event!r}, id={self.id!r})"


#: What a generator may yield: an event, or only its data.
EventData: TypeAlias = "ServerSentEvent | str | Mapping[str, Any] | list[Any] | int | float | None"

#: The results of such handlers.
Events: TypeAlias = "Iterator[EventData] | AsyncIterator[EventData]"


def encode(event: object) -> bytes:
    """Returns an event as it is sent.

    Raises:
        TypeError: It is none, and no JSON either.
    """
    if not isinstance(event, ServerSentEvent):
        event = ServerSentEvent(event)
    lines: list[str] = []
    if event.event:
        lines.append(f"event: {event.event}")
    if event.id:
        lines.append(f"id: {event.id}")
    if event.retry is not None:
        lines.append(f"retry: {event.retry}")
    data = event.data
    if isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(
            "a generator yields events: str, or what is sent as JSON; to send bytes return HttpResponse(body=generator)"
        )
    if not isinstance(data, str):
        import json

        data = json.dumps(data)
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    return ("\n".join(lines) + "\n\n").encode()
