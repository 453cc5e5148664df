"""The facts about a commitment, and which of two facts of the same kind is kept."""

from datetime import date, datetime
from enum import IntEnum
from functools import cache
from typing import Any, Protocol, TypeVar

import orjson
from pydantic import TypeAdapter

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Failure
from schemas.values import value

Precedence = tuple[int | str, ...]


class Stage(IntEnum):
    """The stage that an export round has reached; within a round the higher stage is kept."""

    SUCCEEDED = 0
    ACCEPTED = 1
    IN_DOUBT = 2
    FAILED = 3
    REJECTED = 4


@value
class Submitted:
    """One content that was sent as one revision; two contents under one revision are a dispute."""

    revision: int
    content_hash: str
    project_id: str
    sent_at: datetime
    summary: Summary
    project_number: str | None = None

    @property
    def precedence(self) -> Precedence:
        """Identifies the content."""
        return (self.revision, self.content_hash)


@value
class Retrieved:
    """The highest revision that was retrieved."""

    revision: int
    by: Person
    at: datetime

    @property
    def precedence(self) -> Precedence:
        """The higher revision is kept."""
        return (self.revision,)


@value
class Approved:
    """The last order to export; a retry repeats it."""

    revision: int
    round: int
    content_hash: str
    by: Person
    sent_by: Person
    at: datetime
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None
    replaces: ErpDocument | None = None

    @property
    def precedence(self) -> Precedence:
        """The later round of the higher revision is kept."""
        return (self.revision, self.round)


@value
class Doubt:
    """An export whose answer was lost, and what the ERP has been asked since."""

    since: datetime
    asked: str
    probes: int = 0
    next_probe: datetime | None = None


@value
class Ruling:
    """The furthest stage that any revision has reached, with the details of that stage."""

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
        """(revision, succeeded, round, stage): the higher rank is kept."""
        return (self.revision, int(self.stage is Stage.SUCCEEDED), self.round, self.stage)

    @property
    def precedence(self) -> Precedence:
        """The rank; within a doubt an approver's evidence is kept, then the latest probe."""
        return (*self.rank, self.settled_as is not None, self.doubt.probes if self.doubt else 0)

    @property
    def since(self) -> datetime:
        """When this stage began."""
        return self.doubt.since if self.doubt else self.at

    @property
    def who(self) -> str:
        """The name of the person who decided."""
        return self.by.name if self.by else "An accounting approver"

    @property
    def is_open(self) -> bool:
        """Whether an export was ordered and the ERP's answer is not known yet."""
        return self.stage in (Stage.ACCEPTED, Stage.IN_DOUBT)


@value
class WrittenDocument:
    """A document in the ERP, and the revision that was written to it."""

    revision: int
    document: ErpDocument


@value
class ReplacedDocument:
    """A document that no longer exists in the ERP, and the revision that an approver ordered to create it anew."""

    revision: int
    document: ErpDocument

    def covers(self, written: WrittenDocument) -> bool:
        """Whether `written` is that document; not once that or a later revision was written to it after all."""
        return written.revision < self.revision and self.document.is_same_as(written.document)


class Fact(Protocol):
    """A kind of fact of which only the one with the highest precedence is kept."""

    @property
    def precedence(self) -> Precedence:
        """What two facts are compared by."""
        ...


FactT = TypeVar("FactT", bound=Fact)


def later(known: FactT | None, arrived: FactT) -> FactT:
    """The fact of higher precedence; of two that differ at equal precedence always the same one, in either order."""
    if known is None or known.precedence < arrived.precedence:
        return arrived
    if known.precedence > arrived.precedence or known == arrived:
        return known
    return max(known, arrived, key=canonical)


def canonical(fact: Any) -> bytes:
    """`fact` as JSON with sorted members: the same before and after it is stored."""
    return orjson.dumps(_adapter(fact.__class__).dump_python(fact, mode="json"), option=orjson.OPT_SORT_KEYS)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
