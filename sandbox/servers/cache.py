"""Keeps downloaded parts of the sandbox between runs and checkouts."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """The folder that all checkouts of one user share; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "countersign"


def cached(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Return `folder`, filled by `fill` unless an earlier run has filled it; it is never there half filled.

    When two processes fill it at the same time, the first to finish wins and the other's work is discarded.
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
