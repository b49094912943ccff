"""protoc takes the generated protos without a warning: they are made for protox, and others must be able to use them."""

from __future__ import annotations

import importlib
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).parents[3] / "proto"


def test_protoc_accepts_every_file(tmp_path: Path) -> None:
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    well_known = Path(str(importlib.import_module("grpc_tools").__file__)).parent / "_proto"
    arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", "--fatal_warnings"]
    arguments += [f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}", *files]
    assert protoc.main(arguments) == 0
    made = {path.stem for path in tmp_path.rglob("*_pb2.py")}
    assert made == {f"{Path(file).stem}_pb2" for file in files}
