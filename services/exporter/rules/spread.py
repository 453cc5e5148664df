"""Spreads what would happen at the same moment; the same key always gives the same share, so that rules stay pure."""

from zlib import crc32


def spread(seconds: float, key: str, share: float = 0.5) -> float:
    """Return `seconds`, shortened by up to `share` of it: by how much depends on `key` only."""
    return seconds * (1 - share * crc32(key.encode()) / 2**32)
