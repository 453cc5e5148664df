"""The facts that a commitment's state is joined from, and the rule by which one of them stands over another."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from functools import cache
from typing import Any, Protocol, TypeVar

import orjson
from pydantic import TypeAdapter

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Failure

Order = tuple[int | str, ...]


class Stage(IntEnum):
    """How far one export round has come; within a round the higher stage stands."""

    SUCCEEDED = 0
    ACCEPTED = 1
    IN_DOUBT = 2
    FAILED = 3
    REJECTED = 4


@dataclass(frozen=True, slots=True)
class Submitted:
    """One content that was sent as one revision; two of them under one revision are a dispute."""

    revision: int
    content_hash: str
    project_id: str
    sent_at: datetime
    summary: Summary

    @property
    def order(self) -> Order:
        """Names the content."""
        return (self.revision, self.content_hash)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The highest revision that was taken back."""

    revision: int
    by: Person
    at: datetime

    @property
    def order(self) -> Order:
        """Higher revisions stand."""
        return (self.revision,)


@dataclass(frozen=True, slots=True)
class Approved:
    """What was last ordered to be exported: a retry repeats it."""

    revision: int
    round: int
    content_hash: str
    by: Person
    sent_by: Person
    at: datetime
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None

    @property
    def order(self) -> Order:
        """Later orders stand."""
        return (self.revision, self.round)


@dataclass(frozen=True, slots=True)
class Doubt:
    """An export whose answer was lost, and what the ERP was asked since."""

    since: datetime
    asked: str
    probes: int = 0
    next_probe: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The furthest that any revision has come, with what is to be said about it."""

    revision: int
    round: int
    stage: Stage
    at: datetime
    by: Person | None = None
    reason: str = ""
    failure: Failure | None = None
    attempts: int = 0
    doubt: Doubt | None = None
    settled_as: ErpDocument | None = None
    connection: str | None = None

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """(revision, succeeded, round, stage): the higher rank stands."""
        return (self.revision, int(self.stage is Stage.SUCCEEDED), self.round, self.stage)

    @property
    def order(self) -> Order:
        """The rank; within a doubt an approver's word stands, then the latest probe."""
        return (*self.rank, self.settled_as is not None, self.doubt.probes if self.doubt else 0)

    @property
    def since(self) -> datetime:
        """Since when it has stood so."""
        return self.doubt.since if self.doubt else self.at

    @property
    def who(self) -> str:
        """The name of the person who decided."""
        return self.by.name if self.by else "An accounting approver"

    @property
    def is_open(self) -> bool:
        """Whether an export was ordered and the ERP's answer is not known."""
        return self.stage in (Stage.ACCEPTED, Stage.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Written:
    """A document that the ERP holds since a revision was written to it."""

    revision: int
    document: ErpDocument


class Fact(Protocol):
    """Something of which a state keeps one: the one of the highest order."""

    @property
    def order(self) -> Order:
        """What the fact is compared by."""
        ...


FactT = TypeVar("FactT", bound=Fact)


def later(known: FactT | None, arrived: FactT) -> FactT:
    """The fact of higher order; of two that differ in equal order always the same one, whichever came first."""
    if known is None or known.order < arrived.order:
        return arrived
    if known.order > arrived.order or known == arrived:
        return known
    return max(known, arrived, key=canonical)


def canonical(fact: Any) -> bytes:
    """`fact` as JSON with sorted members: the same before and after it was stored."""
    return orjson.dumps(_adapter(fact.__class__).dump_python(fact, mode="json"), option=orjson.OPT_SORT_KEYS)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
