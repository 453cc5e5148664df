"""Marks: the answers that an approver has chosen and not sent yet, each bound to the content that was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from schemas.commitment import Summary
from services.approval.rules.answers import Accept, Reject


class Verb(StrEnum):
    """What an approver can choose for a commitment that waits."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Mark:
    """A chosen answer; `number`, `currency` and `total` are those of the content that was read."""

    commitment_id: str
    verb: Verb
    revision: int
    content_hash: str
    number: str
    currency: str
    total: Decimal
    at: datetime
    reason: str | None = None
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None
    due_at: datetime | None = None
    """When it is carried out, if it is sent; until then it can be undone."""

    problem: str | None = None
    """Why it was sent and could not be carried out."""

    traceparent: str | None = None

    @property
    def answer(self) -> Accept | Reject:
        """The answer that is given when the mark is sent."""
        if self.verb is Verb.REJECT:
            return Reject(revision=self.revision, content_hash=self.content_hash, reason=self.reason or "")
        return Accept(
            revision=self.revision,
            content_hash=self.content_hash,
            erp_code=self.erp_code,
            accounting_date=self.accounting_date,
            note=self.note,
        )


def mark_of(commitment_id: str, answer: Accept | Reject, read: Summary, at: datetime) -> Mark:
    """The mark for `answer` to a commitment, of which `read` is what was read."""
    verb = Verb.ACCEPT if isinstance(answer, Accept) else Verb.REJECT
    said = answer.model_dump(include={"reason", "erp_code", "accounting_date", "note"})
    return Mark(commitment_id, verb, answer.revision, answer.content_hash, *_figures(read), at, **said)


def _figures(read: Summary) -> tuple[str, str, Decimal]:
    return read.number, read.currency, Decimal(read.total)


def with_verb(marks: Sequence[Mark], verb: Verb) -> list[Mark]:
    """Those of `marks` with this answer."""
    return [mark for mark in marks if mark.verb is verb]
