"""Keeps downloaded parts of the sandbox between runs and checkouts."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sandbox.servers.local_server import ServerStartFailed


def cache_folder() -> Path:
    """The folder that all checkouts of one user share; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "countersign"


def cached(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Return `folder`, filled by `fill` unless an earlier run has filled it; it is never there half filled.

    When two processes fill it at the same time, the first to finish wins and the other's work is discarded. Raises
    ServerStartFailed if we may not write there.
    """
    if _is_filled(folder):
        return folder
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as draft:
        full = Path(draft, "full")
        full.mkdir()
        fill(full)
        _move_unless_there(full, folder)
    return folder


def _is_filled(folder: Path) -> bool:
    """Whether `folder` is there; if not, it can be made now."""
    try:
        if folder.is_dir():
            return True
        folder.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder.parent).close()
    except OSError as error:
        raise ServerStartFailed(
            f"What is downloaded cannot be kept in {folder.parent}: {error.strerror}. Set XDG_CACHE_HOME to a folder "
            "that you may write to."
        ) from error
    return False


def _move_unless_there(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(draft)
