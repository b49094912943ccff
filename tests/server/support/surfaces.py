"""What the surfaces in `surface/` say of servers: the newest, and the older ones that one plugin runs on too."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Any

SURFACE = Path(__file__).parents[3] / "surface"

#: The older server that bundles are tested on.
OLDER = "9.8"

#: Models whose name is not Go's.
_GO_NAMES = {"PostgresError": "Error", "SamlProxyRestriction": "ProxyRestriction"}


@cache
def newest() -> dict[str, Any]:
    """What upstream's newest Go source declares."""
    described: dict[str, Any] = json.loads((SURFACE / "surface.json").read_text())
    return described


@cache
def older() -> dict[str, Any]:
    """What `OLDER` declared."""
    described: dict[str, Any] = json.loads((SURFACE / "versions" / f"{OLDER}.json").read_text())
    return described


def methods(surface: dict[str, Any], of: str) -> dict[str, dict[str, Any]]:
    """The methods of a surface by name: of its ``api`` or its ``hooks``."""
    return {it["name"]: it for it in surface[of]}


def streams(method: dict[str, Any]) -> bool:
    """Whether bytes travel beside the values of a method."""
    of = [*(it["type"] for it in method["params"]), *method["results"]]
    return any(it.startswith(("io.", "http.", "*http.")) for it in of)


def only_elsewhere(model: str, fields: AbstractSet[str]) -> set[str]:
    """The fields of a model, in lower case, that Go's struct has on some server and lacks here.

    Args:
        model: The model's name.
        fields: The fields that it has here.
    """
    of_servers = [_fields(structs, model) for structs in (_types_of_newest(), _types_of_older())]
    # Only a struct that is exactly some server's may lack what another's has.
    return set().union(*of_servers) - fields if fields in of_servers else set()


@cache
def _types_of_newest() -> dict[str, dict[str, Any]]:
    return _by_name(newest())


@cache
def _types_of_older() -> dict[str, dict[str, Any]]:
    return _by_name(older())


def _by_name(surface: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The structs by their name without the package; also by the name that one has today."""
    structs = {_bare(it["name"]): it for it in surface["types"] if it["kind"] == "struct"}
    for alias in newest()["types"]:
        if alias["kind"] == "alias":
            old, new = _bare(alias["name"]), _bare(alias["type"])
            if old in structs:
                structs.setdefault(new, structs[old])
    return structs


def _fields(structs: dict[str, dict[str, Any]], model: str) -> frozenset[str]:
    """The fields that travel, those of embedded structs among them."""
    struct = structs.get(_GO_NAMES.get(model, model))
    if struct is None:
        return frozenset()
    fields: set[str] = set()
    for it in struct.get("fields", ()):
        if it["embedded"]:
            fields |= _fields(structs, _bare(it["type"].lstrip("*")))
        elif it["exported"]:
            fields.add(it["name"].lower())
    return frozenset(fields)


def _bare(name: str) -> str:
    """The name without its package."""
    return name.partition(".")[2]
