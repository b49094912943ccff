"""Facts about the generated part: every module imports, models are what dataclasses would be, tables fit their classes."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from mattermost_plugin import _generated
from mattermost_plugin._generated import codec_api, codec_hooks, models
from mattermost_plugin._generated.hooks import HOOKS, HookName
from mattermost_plugin._generated.index import MODULE_OF

MODULES = [it.name for it in pkgutil.walk_packages(_generated.__path__, f"{_generated.__name__}.")]
CLASSES: list[type] = [getattr(models, name) for name in models.__all__]
MODELS = [cls for cls in CLASSES if not issubclass(cls, Enum)]
ENUMS: list[type[Enum]] = [cls for cls in CLASSES if issubclass(cls, Enum)]
SOURCES = Path(_generated.__file__).parents[2]

EMBEDDED = 0x80
ENUM_KINDS = (13, 14)
MESSAGE_KIND = 10


@pytest.mark.parametrize("module", MODULES)
def test_every_module_imports(module: str) -> None:
    importlib.import_module(module)


def test_the_generated_part_has_its_whole_width() -> None:
    assert len(codec_api.METHODS) == 237
    assert len(HOOKS) >= 46
    assert [it.value for it in HookName] == sorted(HOOKS)
    assert len(MODELS) > 150
    assert len(ENUMS) > 10


@pytest.mark.parametrize("cls", MODELS, ids=lambda it: it.__name__)
def test_a_model_is_what_a_dataclass_would_be(cls: Any) -> None:
    assert dataclasses.is_dataclass(cls)
    assert cls.__doc__
    fields = dataclasses.fields(cls)
    assert tuple(field.name for field in fields) == cls.__slots__
    assert all(field.kw_only for field in fields)
    namespace = {
        field.name: dataclasses.field(default_factory=field.default_factory)
        for field in fields
        if field.default_factory is not dataclasses.MISSING
    }
    namespace |= {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}
    annotations = {field.name: field.type for field in fields}
    plain = dataclasses.make_dataclass(
        cls.__name__, [(name, annotations[name], namespace[name]) for name in annotations], kw_only=True, slots=True
    )
    made, twin = cls(), plain()
    assert repr(made) == repr(twin)
    assert dataclasses.asdict(made) == dataclasses.asdict(twin)
    assert made == cls()
    assert copy.deepcopy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301
    assert dataclasses.replace(made) == made
    with pytest.raises(TypeError, match="unexpected keyword argument 'no_such_field'"):
        cls(no_such_field=1)
    with pytest.raises(TypeError, match="positional argument"):
        cls("positional")
    with pytest.raises(AttributeError):
        made.no_such_field = 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)


def test_containers_are_not_shared_between_objects() -> None:
    first, second = models.Post(), models.Post()
    first.props["key"] = 1
    assert second.props == {}


def test_a_model_that_is_subclassed_before_it_is_used_works() -> None:
    class MyEmoji(models.Emoji):
        pass

    assert MyEmoji(name="wave").name == "wave"
    assert models.Emoji(name="wave") != MyEmoji(name="wave")


@pytest.mark.parametrize("cls", ENUMS, ids=lambda it: it.__name__)
def test_an_enum_reads_as_its_values(cls: type[Enum]) -> None:
    assert cls.__doc__
    for member in cls:
        assert f"{member}" == str(member.value) == str(member) or isinstance(member.value, int)
        assert member == member.value
        assert cls(member.value) is member


@pytest.mark.parametrize("name", sorted(MODULE_OF))
def test_tables_fit_their_classes(name: str) -> None:
    module = importlib.import_module(f"{models.__name__}.{MODULE_OF[name]}")
    if name not in module.TABLES:
        assert issubclass(getattr(models, name), Enum)
        return
    cls_name, fields = module.TABLES[name]
    assert len({number for number, *_ in fields}) == len(fields)
    if cls_name is None:
        return
    own = set(getattr(models, cls_name).__slots__)
    embedded = [reference for _, _, kind, reference in fields if kind & EMBEDDED]
    named = {attribute for _, attribute, kind, _ in fields if not kind & EMBEDDED}
    inner = {it for reference in embedded for it in getattr(models, reference).__slots__}
    assert own == named | inner


@pytest.mark.parametrize("codec", [codec_api, codec_hooks], ids=["api", "hooks"])
def test_what_tables_refer_to_is_there(codec: Any) -> None:
    known = {*MODULE_OF, *codec_api.TABLES, *codec_hooks.TABLES}
    for path, request, response in codec.METHODS.values():
        assert path.startswith("/mattermost.plugin.v1.Plugin")
        assert {request, response} <= set(codec.TABLES)
    for _, fields in codec.TABLES.values():
        for _, _, kind, reference in fields:
            if kind & 0x1F in (MESSAGE_KIND, *ENUM_KINDS):
                assert reference in known


def test_a_small_plugin_loads_few_modules() -> None:
    program = (
        "import sys\n"
        "from mattermost_plugin._generated import models\n"
        "for name in ('Post', 'User', 'ChannelMember', 'Context', 'Command', 'CommandArgs', 'CommandResponse'):\n"
        "    getattr(models, name)\n"
        "print(*sorted(it.rpartition('.')[2] for it in sys.modules if '_generated.models.' in it))\n"
        "print('dataclasses' in sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCES)}
    )
    loaded, dataclasses_too = result.stdout.splitlines()
    assert len(loaded.split()) <= 8
    assert "config" not in loaded.split()
    assert dataclasses_too == "False"
