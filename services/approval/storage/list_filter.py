"""What a list is narrowed to, and how that is said in SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from services.approval.rules.folding import sought_words
from services.approval.storage.tables import COMMITMENT

Columns = ReadOnlyColumnCollection[str, Any]

NUL = "\x00"
"""PostgreSQL text cannot contain it, so nothing matches it."""

_TEXTS = ARRAY(Text)


@dataclass(frozen=True)
class ListFilter:
    """Which commitments of a view are listed: those that fulfil every member that is given.

    `search` has words, each of which must be in the number, title, vendor, project, total, or name of the sender or
    creator. `projects` and `vendors` are names as in the summary. `waited_days` is for how many days at least a
    commitment has been in its status. `is_changed` means a later revision than the first.
    """

    search: str = ""
    projects: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    waited_days: int | None = None
    min_total: Decimal | None = None
    max_total: Decimal | None = None
    is_changed: bool = False

    def __post_init__(self) -> None:
        """Leave out a name that is given twice, since each name is read by itself."""
        object.__setattr__(self, "projects", tuple(dict.fromkeys(self.projects)))
        object.__setattr__(self, "vendors", tuple(dict.fromkeys(self.vendors)))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of `search`, as they are compared."""
        return sought_words(self.search)

    @property
    def is_impossible(self) -> bool:
        """Whether no text of the database can match."""
        return any(NUL in text for text in (self.search, *self.projects, *self.vendors))

    @property
    def given(self) -> frozenset[str]:
        """The names of the members that narrow the list."""
        return frozenset(each.name for each in fields(self) if _is_given(getattr(self, each.name)))

    def parameters(self, now: datetime) -> dict[str, Any]:
        """The parameters of `conditions` for all members."""
        return {
            "words": [f"%{_literal(word)}%" for word in self.words],
            "projects": list(self.projects),
            "vendors": list(self.vendors),
            "waited_since": None if self.waited_days is None else now - timedelta(days=self.waited_days),
            "min_total": self.min_total,
            "max_total": self.max_total,
        }


def conditions(members: frozenset[str], columns: Columns = COMMITMENT.c) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of these members of a filter, whose values are `ListFilter.parameters`."""
    return [_CONDITIONS[name](columns) for name in sorted(members)]


_CONDITIONS: Mapping[str, Callable[[Columns], ColumnElement[bool]]] = {
    "search": lambda of: of.searchable.op("like", is_comparison=True)(func.all(bindparam("words", type_=_TEXTS))),
    "projects": lambda of: of.project == func.any(bindparam("projects", type_=_TEXTS)),
    "vendors": lambda of: of.vendor == func.any(bindparam("vendors", type_=_TEXTS)),
    "waited_days": lambda of: of.since <= bindparam("waited_since", type_=COMMITMENT.c.since.type),
    "min_total": lambda of: of.total >= bindparam("min_total", type_=COMMITMENT.c.total.type),
    "max_total": lambda of: of.total <= bindparam("max_total", type_=COMMITMENT.c.total.type),
    "is_changed": lambda of: of.revision > 1,
}


def _is_given(value: object) -> bool:
    return not (value is None or value is False or value in ("", ()))


def _literal(word: str) -> str:
    r"""`word` for LIKE, in which %, _ and \ mean themselves."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
