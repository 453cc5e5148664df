"""Knows which commitments hold a document in an ERP, by its id and by its number, or were ordered under a number."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Select, Text, and_, bindparam, case, delete, func, select, tuple_

from schemas.commitment import ErpDocument
from schemas.events import ErpConnection
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.documents import DocumentName, names_of
from services.approval.rules.evidence import Holder, under_all_names
from services.approval.rules.numbers import ordered_name, ordered_number
from services.approval.rules.rows import StoredRow
from services.approval.storage.tables import COMMITMENT, DOCUMENT
from services.pipeline.bulk import arrays, given_rows, insert_many
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange

_NAME = (DOCUMENT.c.connection, DOCUMENT.c.kind, DOCUMENT.c.name)


def _numbered() -> Select[Any]:
    given = given_rows([Column(name, Text) for name in ("key", "connection", "kind", "name")])
    is_named = and_(*(column == given.c[column.key] for column in _NAME))
    chosen = select(given.c.key, COMMITMENT.c.number, COMMITMENT.c.id, COMMITMENT.c.state).join(DOCUMENT, is_named)
    held = chosen.join(COMMITMENT, COMMITMENT.c.id == DOCUMENT.c.commitment_id)
    return held.where(DOCUMENT.c.company_id == bindparam("company"), COMMITMENT.c.holds_number)


_NUMBERED = _numbered()


async def save(db: Transaction, changes: Sequence[StateChange[CommitmentFacts, StoredRow]]) -> None:
    """Record the documents of those commitments whose documents, or the evidence for one, have changed."""
    moved = [change for change in changes if _documents(change.before) != _documents(change.after)]
    moved.sort(key=lambda change: change.key)  # so that two processes do not wait for each other
    if not moved:
        return
    lost = [(*_key(name), change.key) for change in moved for name in _names(change.before) - _names(change.after)]
    if lost:
        await db.execute(delete(DOCUMENT).where(tuple_(*_NAME, DOCUMENT.c.commitment_id).in_(lost)))
    await insert_many(db, DOCUMENT, [row for change in moved for row in _rows(change.after)])


async def lock(db: Transaction, names: Collection[DocumentName]) -> None:
    """Wait until no other transaction holds a lock on one of `names`, and hold them until this one ends."""
    for name in sorted(names):  # always in the same order, so that nobody waits in a circle
        await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("\n".join(_key(name)), 0))))


async def holder(
    db: Transaction, company_id: str, commitment_id: str, names: Collection[DocumentName]
) -> Holder | None:
    """Return another commitment than `commitment_id` that holds a document with one of `names`; None without one."""
    return next(iter(await _others(db, company_id, commitment_id, names)), None)


async def numbered(
    db: Transaction, company_id: str, wanted: Mapping[str, Collection[DocumentName]]
) -> Sequence[tuple[str, str, str, str]]:
    """Return (key of `wanted`, number, id, state) of commitments with a document of one of the names under that key."""
    given = [
        {"key": key, "connection": name.connection, "kind": name.kind, "name": name.name}
        for key, names in wanted.items()
        for name in names
    ]
    if not given:
        return ()
    return [tuple(row) for row in await db.execute(_NUMBERED, arrays(given) | {"company": company_id})]


async def other_holders(
    db: Transaction, company_id: str, facts: CommitmentFacts, erps: Sequence[ErpConnection]
) -> Sequence[Holder]:
    """Return all other commitments that hold a document of `facts`, whose company exports to `erps`."""
    return await _others(db, company_id, facts.id, under_all_names(_names(facts), erps))


async def _others(
    db: Transaction, company_id: str, commitment_id: str, names: Collection[DocumentName]
) -> Sequence[Holder]:
    if not names:
        return ()
    number = case((DOCUMENT.c.company_id == company_id, func.coalesce(COMMITMENT.c.number, COMMITMENT.c.id)))
    held = select(DOCUMENT.c.commitment_id, number).join(COMMITMENT, COMMITMENT.c.id == DOCUMENT.c.commitment_id)
    is_other = DOCUMENT.c.commitment_id != commitment_id
    chosen = held.where(tuple_(*_NAME).in_([_key(name) for name in names]), is_other)
    return [Holder(*row) for row in await db.execute(chosen.distinct().order_by(DOCUMENT.c.commitment_id))]


def _documents(facts: CommitmentFacts) -> tuple[frozenset[Any], ErpDocument | None, str | None]:
    return facts.standing, facts.ruling.settled_as if facts.ruling else None, ordered_number(facts)


def _names(facts: CommitmentFacts) -> frozenset[DocumentName]:
    written, evidence, ordered = _documents(facts)
    named = names_of(*(each.document for each in written), *([evidence] if evidence else ()))
    return named | {ordered_name(ordered)} if ordered else named


def _rows(facts: CommitmentFacts) -> list[dict[str, Any]]:
    return [
        {
            "connection": name.connection,
            "kind": name.kind,
            "name": name.name,
            "commitment_id": facts.id,
            "company_id": facts.company_id,
        }
        for name in sorted(_names(facts))
    ]


def _key(name: DocumentName) -> tuple[str, str, str]:
    return name.connection, name.kind, name.name
