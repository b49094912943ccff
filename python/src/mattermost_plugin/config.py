"""The plugin's settings, as the administrator saved them, over the defaults of the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["PluginConfig"]


class PluginConfig(Mapping[str, Any]):
    """A read-only snapshot of the plugin's settings.

    The server hands all names over in lower case, so names are compared without regard to case: a setting with the key
    ``BlockedWords`` in the manifest is ``config["BlockedWords"]`` as well as ``config["blockedwords"]``. Values are what JSON
    can hold: ``str``, ``int``, ``float``, ``bool``, ``None``, ``list``, ``dict``.

    A snapshot never changes; ``self.config`` is a new one after the configuration changed.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = {name.lower(): value for name, value in (values or {}).items()}

    @classmethod
    def from_json(cls, data: bytes) -> PluginConfig:
        """Returns the settings in a JSON object; no bytes at all are no settings.

        Raises:
            ValueError: `data` is no JSON object.
        """
        import json

        values = json.loads(data) if data else {}
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise ValueError(f"the plugin's configuration is no JSON object but {type(values).__name__}")
        return cls(values)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._values[name.lower()]
        except KeyError:
            known = ", ".join(sorted(self._values)) or "none"
            raise KeyError(
                f"{name!r} is not set and has no default in plugin.json (settings_schema); set are: {known}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        # Values may be secrets, and configurations end up in logs.
        return f"PluginConfig({', '.join(sorted(self._values))})"
