"""Compiles protos with the official compiler when the tests run: no generated protobuf code is kept in the repository."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from grpc_tools import protoc

SUPPORT = Path(__file__).parent
REPOSITORY = SUPPORT.parents[3]


def compile_protos(target: Path, include: Path, *protos: str) -> None:
    """Compiles protos and makes the result importable."""
    well_known = Path(str(importlib.import_module("grpc_tools").__file__)).parent / "_proto"
    arguments = ["protoc", f"-I{include}", f"-I{well_known}", f"--python_out={target}", f"--grpc_python_out={target}"]
    if protoc.main([*arguments, *protos]) != 0:
        raise RuntimeError(f"protoc refused {', '.join(protos)}")
    sys.path.insert(0, str(target))
