"""Reads the content that was approved, which may have a megabyte, from the text that was kept of it."""

from schemas.snapshot import Snapshot, TooLargeError
from services.pipeline.apart import all_read


async def read_snapshot(text: str | None) -> Snapshot | None:
    """Return the approved content; None where it is missing or damaged."""
    return None if text is None else (await all_read(_snapshot, [text]))[0]


def _snapshot(text: str) -> Snapshot | None:
    try:
        return Snapshot.from_text(text)
    except (ValueError, TooLargeError, RecursionError, AttributeError, TypeError):
        return None
