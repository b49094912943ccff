"""A PostgreSQL of the tests' own, in a folder that goes with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

#: Where Debian has the programs, which are not on the PATH there.
DEBIAN = Path("/usr/lib/postgresql")

#: Whom the database runs as when the tests are root's: it refuses to be.
NOBODY = "nobody"


def programs() -> Path | None:
    """Returns the folder with ``initdb`` and ``pg_ctl``; ``None`` when there is no PostgreSQL."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def running() -> Iterator[str]:
    """Runs a database in a folder of its own; gives where it is, as lib/pq wants it."""
    # Not in a folder of pytest's, which are for their owner only, while this database may be somebody else's.
    with TemporaryDirectory(prefix="mm-postgres-") as folder:
        Path(folder).chmod(0o711)
        with _running(Path(folder) / "cluster") as dsn:
            yield dsn


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    bin_folder = programs()
    assert bin_folder is not None
    owner = NOBODY if os.geteuid() == 0 else None
    folder.mkdir(mode=0o700)
    if owner is not None:
        shutil.chown(folder, owner)

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [bin_folder / program, *arguments],
            user=owner,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=program != "pg_ctl",
            stdout=None if program != "pg_ctl" else subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stderr!r}\n{_log(folder)}"

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "mm", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c timezone=Asia/Kolkata"
    run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "-o", settings, "start")
    try:
        yield f"host={folder} user=mm dbname=postgres sslmode=disable binary_parameters=yes"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _log(folder: Path) -> str:
    log = folder / "log"
    return log.read_text() if log.exists() else ""
