"""The facts about a commitment, and which of two facts of the same kind is kept."""

from datetime import date, datetime
from enum import IntEnum
from functools import cache
from typing import Any, Protocol, TypeVar

import orjson
from pydantic import TypeAdapter

from schemas.commitment import ErpDocument, Person, Summary
from schemas.events import Change, Failure
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
class Terms:
    """What is asked of the ERP with an order."""

    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None


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
    reopened: int = 0
    updates: ErpDocument | None = None

    @property
    def terms(self) -> Terms:
        """What was asked of the ERP."""
        return Terms(self.erp_code, self.accounting_date, self.note)

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
class EvidenceCheck:
    """What an ERP answered that was asked about evidence, and did not say whether it holds."""

    revision: int
    reopened: int
    round: int
    evidence: int
    probes: int
    asked: str
    is_asked_again: bool = True
    """Whether the ERP may say it yet; if not, a second approver has to confirm the evidence."""

    @property
    def precedence(self) -> Precedence:
        """The latest answer about the latest evidence is kept."""
        return (self.revision, self.reopened, self.round, self.evidence, self.probes)

    def is_about(self, ruling: "Ruling") -> bool:
        """Whether it is the evidence of `ruling`."""
        asked = (self.revision, self.reopened, self.round, self.evidence)
        return asked == (ruling.revision, ruling.reopened, ruling.round, ruling.evidence)


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
    reopened: int = 0
    """How often an approver has reopened the revision after it had been in the ERP."""

    evidence: int = 0
    """The number of `settled_as`, counted from 1; without it, how many documents turned out to be no evidence."""

    confirmed_by: Person | None = None
    """The second approver, who has confirmed `settled_as`."""

    erp: str | None = None
    """What people call the ERP, where the event says it."""

    @property
    def rank(self) -> tuple[int, int, int, int, int]:
        """(revision, reopened, succeeded, round, stage): the higher rank is kept."""
        return (self.revision, self.reopened, int(self.stage is Stage.SUCCEEDED), self.round, self.stage)

    @property
    def precedence(self) -> Precedence:
        """The rank; within a doubt, evidence is kept until it turns out to be none, then the latest probe.

        Evidence that is confirmed is kept before the same that is not.
        """
        evidence = 2 * max(self.evidence, 1) - 1 if self.settled_as else 2 * self.evidence
        is_confirmed = self.confirmed_by is not None
        return (*self.rank, evidence, int(is_confirmed), self.doubt.probes if self.doubt else 0)

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
    """A document in the ERP, the revision that was written to it, and how often that was reopened before."""

    revision: int
    document: ErpDocument
    reopened: int = 0


@value
class ReplacedDocument:
    """A document that is no longer the commitment's, and the revision for which an approver said so."""

    revision: int
    document: ErpDocument
    reopened: int = 0
    is_left: bool = False
    """Whether it stays in an ERP that is no longer configured: the commitment goes to another one."""

    def covers(self, written: WrittenDocument) -> bool:
        """Whether `written` is that document; not once that or a later revision was written to it after all."""
        is_earlier = (written.revision, written.reopened) < (self.revision, self.reopened)
        return is_earlier and self.document.is_same_as(written.document)

    def is_found_as(self, written: WrittenDocument) -> bool:
        """Whether `written` is that document after all: the same one, or the same id and number in a later export."""
        ours, theirs = self.document, written.document
        is_later = (written.revision, written.reopened) >= (self.revision, self.reopened)
        return ours == theirs or (is_later and (ours.id, ours.number) == (theirs.id, theirs.number))


@value
class Drift:
    """What the last comparison with the ERP's document found that is another result than before."""

    revision: int
    reopened: int
    version: int
    at: datetime
    is_missing: bool = False
    differences: tuple[Change, ...] = ()

    @property
    def precedence(self) -> Precedence:
        """The later one is kept."""
        return (self.version,)

    @property
    def is_any(self) -> bool:
        """Whether anything differs."""
        return self.is_missing or bool(self.differences)


@value
class AcceptedDrift:
    """What an approver last accepted as the ERP has it."""

    version: int
    by: Person
    at: datetime
    note: str
    is_missing: bool = False
    differences: tuple[Change, ...] = ()
    revision: int = 0
    reopened: int = 0

    @property
    def precedence(self) -> Precedence:
        """The later one is kept."""
        return (self.version,)

    def covers(self, drift: Drift) -> bool:
        """Whether `drift` is what was accepted, of what was written then."""
        accepted = (self.revision, self.reopened, self.is_missing, self.differences)
        return accepted == (drift.revision, drift.reopened, drift.is_missing, drift.differences)


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
