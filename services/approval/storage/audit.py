"""Reads the whole history of a commitment, as an auditor needs it: every line, and the chain of its decisions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, select, true

from schemas.commitment import Person
from services.approval.storage.submissions import traceparent_of
from services.approval.storage.tables import HISTORY, SUBMISSION
from services.pipeline.apart import apart
from services.pipeline.database import Transaction
from services.pipeline.unreadable import read_or_raise

MAX_LINES = 20_000
MAX_RECENT_LINES = 500
_READ_LINES = 500
"""At once, so that a long history does not hold the event loop."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Something that happened; a decision of the chain has a `position`, and `decision` is what its `hash` protects.

    `place` is the partition and the offset at which its event was read, None for what is told here.
    """

    event_id: str
    at: datetime
    kind: str
    actor: str | None
    revision: int | None
    round: int | None
    text: str
    position: int | None
    hash: str | None
    decision: str | None
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SentRevision:
    """A content that was sent."""

    revision: int
    content_hash: str
    sent_by: Person
    sent_at: datetime
    note: str | None


async def last_decision(db: Transaction, commitment_id: str) -> tuple[int, str] | None:
    """Return the position and the hash of the last decision on a commitment; None before the first one.

    It is read under the lock of the commitment, and once all decisions are known, so that no two follow the same one.
    """
    row = (await db.execute(_last_decision(commitment_id))).one_or_none()
    return None if row is None else (row.position, row.hash)


async def before_decision(
    db: Transaction, commitment_id: str, revision: int
) -> tuple[tuple[int, str] | None, str | None]:
    """Return `last_decision`, and the traceparent with which `revision` was submitted, in one statement."""
    sent, last = traceparent_of(commitment_id, revision), _last_decision(commitment_id).subquery()
    always = select(sent.scalar_subquery().label("traceparent")).subquery()
    joined = select(always.c.traceparent, last.c.position, last.c.hash).select_from(always.outerjoin(last, true()))
    row = (await db.execute(joined)).one()
    return (None if row.position is None else (row.position, row.hash)), row.traceparent


def _last_decision(commitment_id: str) -> Select[int, str]:
    table = HISTORY.c
    chosen = select(table.position, table.hash).where(table.commitment_id == commitment_id, table.position.is_not(None))
    return chosen.order_by(table.position.desc(), table.hash).limit(1)


async def lines(db: Transaction, company_id: str, commitment_id: str, limit: int = MAX_LINES) -> Sequence[AuditLine]:
    """Return what happened to a commitment of the company, oldest first; the last `limit` lines.

    A submission that was refused may have named another company before the commitment's own was known.
    """
    table = HISTORY.c
    chosen = select(
        *(table.event_id, table.at, table.kind, table.actor, table.revision, table.round, table.text),
        *(table.position, table.hash, table.decision, table.read_partition, table.read_offset),
    ).where(table.commitment_id == commitment_id, table.company_id == company_id)
    ordered = chosen.order_by(table.at.desc(), table.event_id).limit(limit)
    found: list[AuditLine] = []
    async with db.stream(ordered, execution_options={"yield_per": _READ_LINES}) as rows:
        async for some in rows.partitions():
            found.extend(map(_audit_line, some))
            await asyncio.sleep(0)
    return await apart(lambda: _with_decisions_in_order(found[::-1]))


def _audit_line(row: Any) -> AuditLine:
    event_id, *told, partition, offset = row
    line = AuditLine(str(event_id), *told)
    return line if offset is None else replace(line, place=(partition, offset))


def _with_decisions_in_order(found: list[AuditLine]) -> Sequence[AuditLine]:
    """Return `found` with its decisions in the order of the chain, even if the clock was set back between two."""
    places = [place for place, line in enumerate(found) if line.position is not None]
    for place, line in zip(places, sorted((found[each] for each in places), key=_position), strict=True):
        found[place] = line
    return found


def _position(line: AuditLine) -> int:
    return line.position or 0


async def revisions(db: Transaction, company_id: str, commitment_id: str) -> Sequence[SentRevision]:
    """Return the contents that were sent and are still kept, oldest first; UnreadableRowError if one cannot be read."""
    table = SUBMISSION.c
    chosen = select(table.revision, table.content_hash, table.sent_by, table.sent_at, table.note).where(
        table.commitment_id == commitment_id, table.company_id == company_id
    )
    ordered = chosen.order_by(table.revision, table.sent_at, table.content_hash)
    rows = await db.execute(ordered)
    return [read_or_raise(SUBMISSION, f"{commitment_id} {row.revision}", partial(_sent_revision, row)) for row in rows]


def _sent_revision(row: Any) -> SentRevision:
    sent_by = Person.model_validate_json(row.sent_by)
    return SentRevision(row.revision, row.content_hash, sent_by, row.sent_at, row.note)
