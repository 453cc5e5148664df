"""Where fetched parts of the sandbox stay between runs and clones."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """The folder that every clone of one user shares; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "countersign"


def kept(folder: Path, fill: Callable[[Path], None]) -> Path:
    """`folder`, filled by `fill` unless an earlier run has done so; it is there completely or not at all.

    Two processes may fill at the same time: the first one to finish wins, and the other's work is thrown away.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as draft:
        full = Path(draft, "full")
        full.mkdir()
        fill(full)
        _move_unless_there(full, folder)
    return folder


def _move_unless_there(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(draft)
