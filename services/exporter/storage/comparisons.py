"""Stores which documents are compared with what was exported, when, and what was told of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, exists, false, func, null, select, update

from schemas.commitment import ErpDocument
from services.exporter.rules.drift import WrittenContent
from services.exporter.rules.export import Export, ExportState
from services.exporter.storage.recheck_store import UNREADABLE_DELAY
from services.exporter.storage.tables import COMMITMENT, COMPARISON, EXPORT
from services.pipeline.bulk import insert_given
from services.pipeline.database import Transaction
from services.pipeline.lease_clock import DATABASE_NOW
from services.pipeline.unreadable import read_or_none
from services.pipeline.writes import Write, Writes

BUSY_DELAY = timedelta(minutes=10)
"""For how long a comparison is put off whose commitment has an export under way."""

MADE_DUE = 1_000
"""How many comparisons one transaction makes due, so that none of them is locked for long."""

_LOOKED_AT = 50
_T = COMPARISON.c

_WRITTEN = ("company_id", "project_id", "connection", "revision", "reopened", "document", "written", "due_at")
_INSERT = insert_given(COMPARISON, ("commitment_id", *_WRITTEN), "given_comparison")
_SCHEDULE = Write(
    "given_comparison",
    _INSERT.on_conflict_do_update(
        index_elements=["commitment_id"],
        set_={name: _INSERT.excluded[name] for name in _WRITTEN} | {"lease_token": null(), "told": null()},
    ),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A document to compare; `written` is None if an earlier release exported it, `told` if nothing differed."""

    commitment_id: str
    company_id: str
    project_id: str
    connection: str
    revision: int
    reopened: int
    document: ErpDocument
    written: WrittenContent | None
    token: UUID
    told: str | None
    told_version: int


def schedule(writes: Writes, export: Export, written: WrittenContent, due_at: datetime) -> None:
    """Have the document of a success compared from `due_at` on; what was told of an earlier one is over."""
    if export.document is None or export.connection is None:
        return
    row = {
        "commitment_id": export.commitment_id,
        "company_id": export.company_id,
        "project_id": export.project_id,
        "connection": export.connection,
        "revision": export.revision,
        "reopened": export.reopened,
        "document": export.document.model_dump_json(exclude_none=True),
        "written": json.dumps(_plain(written)),
        "due_at": due_at,
    }
    writes.add(_SCHEDULE, [row])


async def make_one_due(db: Transaction, commitment_id: str, now: datetime) -> None:
    """Have the document of this commitment compared from `now` on, if it is compared at all."""
    await db.execute(update(COMPARISON).where(_T.commitment_id == commitment_id, _T.due_at > now).values(due_at=now))


async def forget(db: Transaction, commitment_ids: Sequence[str]) -> None:
    """Compare the documents of these commitments no more: they are no longer theirs."""
    if commitment_ids:
        await db.execute(delete(COMPARISON).where(_T.commitment_id == func.any(list(commitment_ids))))


async def time_if_due(db: Transaction, names: Sequence[str], given_now: datetime | None) -> datetime | None:
    """Return the database's time, or the given one, if a document of the connection with these `names` is due then."""
    is_due = exists().where(_is_on(names), _T.due_at <= DATABASE_NOW)
    moment: datetime | None = (await db.execute(select(DATABASE_NOW).where(is_due), {"now": given_now})).scalar()
    return moment


async def claim(
    db: Transaction, names: Sequence[str], now: datetime, lease: tuple[UUID, datetime]
) -> Comparison | None:
    """Lease the first due comparison of the connection with these `names`; None without one.

    Those whose commitments have an export under way are put off, so that the next ones need not pass them again, and so
    are those that cannot be read.
    """
    is_open = exists().where(
        EXPORT.c.commitment_id == _T.commitment_id,
        EXPORT.c.state.in_([each.value for each in _OPEN]),
    )
    first = (
        select(_T.commitment_id, is_open.label("is_open"))
        .where(_is_on(names), _T.due_at <= now)
        .order_by(_T.due_at)
        .limit(_LOOKED_AT)
        .with_for_update(skip_locked=True)
    )
    rows = (await db.execute(first)).all()
    busy = [row.commitment_id for row in rows if row.is_open]
    if busy:
        later = update(COMPARISON).where(_T.commitment_id == func.any(busy))
        await db.execute(later.values(due_at=now + BUSY_DELAY))
    token, until = lease
    for chosen in [row.commitment_id for row in rows if not row.is_open]:
        this = update(COMPARISON).where(_T.commitment_id == chosen)
        leased = (await db.execute(this.values(lease_token=token, due_at=until).returning(COMPARISON))).one()
        if (comparison := read_or_none(COMPARISON, chosen, partial(_comparison, leased))) is not None:
            return comparison
        await db.execute(this.values(lease_token=None, due_at=now + UNREADABLE_DELAY))
    return None


async def settle(
    db: Transaction, comparison: Comparison, due_at: datetime, compared_at: datetime | None, told: Mapping[str, Any]
) -> bool:
    """Save when to compare next, and what was `told`; whether the lease was still ours."""
    values = {"lease_token": None, "due_at": due_at, **told}
    if compared_at is not None:
        values["compared_at"] = compared_at
    is_ours = (_T.commitment_id == comparison.commitment_id) & (_T.lease_token == comparison.token)
    result = await db.execute(update(COMPARISON).where(is_ours).values(values).returning(_T.commitment_id))
    return result.first() is not None


async def make_due(db: Transaction, names: Sequence[str], now: datetime, after: str = "") -> Sequence[str]:
    """Have the next documents of the connection with these `names` compared from `now` on, at most MADE_DUE.

    Return their commitments, which are those behind the commitment `after`, in order. What somebody else has locked is
    being compared, or written, at this moment.
    """
    chosen = (
        select(_T.commitment_id)
        .where(_is_on(names), _T.lease_token.is_(None), _T.commitment_id > after)
        .order_by(_T.commitment_id)
        .limit(MADE_DUE)
        .with_for_update(skip_locked=True)
    )
    ids = list(await db.scalars(chosen))
    await db.execute(update(COMPARISON).where(_T.commitment_id == func.any(ids)).values(due_at=now))
    return ids


async def count_drifted(db: Transaction) -> Mapping[str, int]:
    """Return how many documents of each connection differ otherwise than an approver has accepted."""
    accepted = COMMITMENT.c.accepted_drift
    is_accepted = and_(
        accepted["told"].astext == _T.told,
        accepted["revision"].as_integer() == _T.revision,
        accepted["reopened"].as_integer() == _T.reopened,
    )
    chosen = select(_T.connection, func.count().label("documents")).join(
        COMMITMENT, COMMITMENT.c.id == _T.commitment_id
    )
    chosen = chosen.where(_T.told.is_not(None), ~func.coalesce(is_accepted, false()))
    return {row.connection: row.documents for row in await db.execute(chosen.group_by(_T.connection))}


def _is_on(names: Sequence[str]) -> ColumnElement[bool]:
    return _T.connection == func.any(list(names))


_OPEN = (ExportState.PENDING, ExportState.IN_FLIGHT, ExportState.IN_DOUBT)


def _comparison(row: Row[Any]) -> Comparison:
    return Comparison(
        row.commitment_id,
        row.company_id,
        row.project_id,
        row.connection,
        row.revision,
        row.reopened,
        ErpDocument.model_validate(row.document),
        None if row.written is None else _written(row.written),
        row.lease_token,
        row.told,
        row.told_version,
    )


def _plain(written: WrittenContent) -> dict[str, Any]:
    return {
        "marker": written.marker,
        "currency": written.currency,
        "total": str(written.total),
        "lines": [[position, str(amount)] for position, amount in written.lines],
    }


def _written(plain: Mapping[str, Any]) -> WrittenContent:
    lines = tuple((position, Decimal(amount)) for position, amount in plain["lines"])
    return WrittenContent(plain["marker"], plain["currency"], Decimal(plain["total"]), lines)
