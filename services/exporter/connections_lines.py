"""Finds the line of the connections file on which a connection, or one of its members, begins."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_HEADER = re.compile(r"^\s*\[\[\s*connection\s*\]\]", re.MULTILINE)

Member = Sequence[str | int]
"""A path into a connection's table: names of members and, in lists, indexes."""


@dataclass(frozen=True, slots=True)
class Section:
    """A connection as it stands in the file, from its header to the next one's; `first_line` counts from 1."""

    first_line: int
    lines: Sequence[str]

    def line_of(self, member: Member) -> int:
        """The line on which `member` begins; of one that is missing, that of the innermost table it belongs to."""
        found, deepest, begins = 0, 0, 0
        for end in range(1, len(self.lines) + 1):
            table = _table("\n".join(self.lines[:end]))
            if table is None:  # in the middle of a value of several lines
                continue
            if (depth := _depth(table, member)) > deepest:
                found, deepest = begins, depth
            begins = end
        return self.first_line + found


def sections(text: str, count: int) -> Sequence[Section]:
    """The sections of the `count` connections in `text`; none if their headers cannot be told from other text."""
    starts = [text.count("\n", 0, found.end()) for found in _HEADER.finditer(text)]
    if len(starts) != count:
        return ()
    lines = text.split("\n")
    ends = [*starts, len(lines)][1:]
    return [Section(start + 1, lines[start:end]) for start, end in zip(starts, ends, strict=True)]


def _table(text: str) -> dict[str, Any] | None:
    try:
        tables: list[dict[str, Any]] = tomllib.loads(text)["connection"]
    except tomllib.TOMLDecodeError:
        return None
    return tables[0]


def _depth(value: Any, member: Member) -> int:
    """How much of the path `member` there is in `value`."""
    for depth, name in enumerate(member):
        try:
            value = value[name]
        except (KeyError, IndexError, TypeError):
            return depth
    return len(member)
