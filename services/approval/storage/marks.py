"""Stores the marks of each approver until they are sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from schemas.events import DirectoryPerson
from schemas.fields import Status
from services.approval.rules.marks import Mark, Verb
from services.approval.storage.desk_tables import MARK
from services.approval.storage.list_filter import NUL
from services.approval.storage.tables import COMMITMENT
from services.pipeline.database import Transaction
from services.pipeline.retention import Swept, delete_oldest
from services.pipeline.stored_values import as_read
from services.pipeline.unreadable import readable

MAX_MARKS = 500
"""Of one person; further ones are refused, so that nobody fills the table."""
KEPT_DAYS = 30
MAX_DUE = 200
"""Held answers that are carried out in one go."""


class TooManyMarksError(Exception):
    """Somebody would have more than MAX_MARKS marks."""

    def __init__(self) -> None:
        super().__init__(f"You have marked {MAX_MARKS} commitments. Send them before you mark more.")


class HeldMarkError(Exception):
    """Somebody would mark anew what they have accepted and can still undo."""

    def __init__(self, number: str) -> None:
        super().__init__(f"You accepted {number}. Undo that before you answer it again.")


MarkKey = tuple[str, str]
"""(person, commitment)"""

_KEY = ("person_id", "commitment_id")
_COLUMNS = [column for column in MARK.c if column.name not in {"person_id", "company_id"}]


async def of_person(db: Transaction, who: DirectoryPerson) -> Sequence[Mark]:
    """Return the marks of a person in their company that are not sent, in the order in which they were made."""
    rows = await db.execute(_own(who).where(MARK.c.due_at.is_(None)).order_by(MARK.c.at, MARK.c.commitment_id))
    return _marks(rows)


async def outdated(db: Transaction, who: DirectoryPerson) -> frozenset[str]:
    """Return which commitments a person has marked that do not wait any more, or not with the marked revision."""
    is_current = (COMMITMENT.c.status == Status.READY.value) & (COMMITMENT.c.revision == MARK.c.revision)
    joined = select(MARK.c.commitment_id).join(COMMITMENT, COMMITMENT.c.id == MARK.c.commitment_id)
    own = _is_own(who) & MARK.c.due_at.is_(None)
    is_rejected = (MARK.c.verb == Verb.REJECT.value) & (COMMITMENT.c.status == Status.DISPUTED.value)
    return frozenset((await db.execute(joined.where(own, ~(is_current | is_rejected)))).scalars())


async def held_of_person(db: Transaction, who: DirectoryPerson) -> Sequence[Mark]:
    """Return what a person has sent and can still undo, the first one first."""
    rows = await db.execute(_own(who).where(MARK.c.due_at.is_not(None)).order_by(MARK.c.due_at, MARK.c.commitment_id))
    return _marks(rows)


async def held(db: Transaction, company_id: str, commitment_ids: Collection[str]) -> Mapping[str, tuple[str, Mark]]:
    """Return which of these commitments somebody has accepted and can still undo: the person's id, and the mark."""
    is_held = MARK.c.due_at.is_not(None) & MARK.c.commitment_id.in_(commitment_ids)
    rows = await db.execute(select(MARK.c.person_id, *_COLUMNS).where(is_held, MARK.c.company_id == company_id))
    found = rows.all()
    people = {row.commitment_id: row.person_id for row in found}
    return {mark.commitment_id: (people[mark.commitment_id], mark) for mark in _marks(found)}


async def release(db: Transaction, who: DirectoryPerson, commitment_ids: Collection[str] | None) -> Sequence[Mark]:
    """Take back what a person has sent, all or these; return those that were not carried out yet. They stay marked."""
    own = _is_own(who) & MARK.c.due_at.is_not(None)
    chosen = own if commitment_ids is None else own & MARK.c.commitment_id.in_(_storable(commitment_ids))
    rows = await db.execute(update(MARK).where(chosen).values(due_at=None).returning(*_COLUMNS))
    return _marks(rows)


async def due(db: Transaction, now: datetime) -> Sequence[MarkKey]:
    """Return the (person, commitment) of what is to be carried out now, the first one first."""
    chosen = select(MARK.c.person_id, MARK.c.commitment_id).where(MARK.c.due_at <= now)
    rows = await db.execute(chosen.order_by(MARK.c.due_at).limit(MAX_DUE))
    return [(row.person_id, row.commitment_id) for row in rows]


async def claim(db: Transaction, key: MarkKey, now: datetime) -> Mark | None:
    """Return a mark that is due, locked; None if it was undone or carried out, or another process has it."""
    chosen = select(*_COLUMNS).where(_is(key), MARK.c.due_at <= now).with_for_update(skip_locked=True)
    row = (await db.execute(chosen)).one_or_none()
    return None if row is None else _mark(row)


async def done(db: Transaction, key: MarkKey) -> None:
    """Delete a mark that was carried out."""
    await db.execute(delete(MARK).where(_is(key)))


async def refuse(db: Transaction, key: MarkKey, problem: str) -> None:
    """Keep a mark that could not be carried out, with the reason for its person."""
    await db.execute(update(MARK).where(_is(key)).values(due_at=None, problem=problem))


def _storable(commitment_ids: Collection[str]) -> Collection[str]:
    """Those of these ids that a row can have."""
    return [each for each in commitment_ids if NUL not in each]


def _own(who: DirectoryPerson) -> Select[Any]:
    return select(*_COLUMNS).where(_is_own(who))


def _is_own(who: DirectoryPerson) -> ColumnElement[bool]:
    return (MARK.c.person_id == who.person_id) & (MARK.c.company_id == who.company_id)


def _is(key: MarkKey) -> ColumnElement[bool]:
    return (MARK.c.person_id == key[0]) & (MARK.c.commitment_id == key[1])


def _marks(rows: Iterable[Row[Any]]) -> list[Mark]:
    return readable(MARK, rows, lambda row: row.commitment_id, _mark)


def _mark(row: Row[Any]) -> Mark:
    columns = {column.name: getattr(row, column.name) for column in _COLUMNS}
    return Mark(**{**columns, "verb": Verb(row.verb)})


async def save(db: Transaction, who: DirectoryPerson, marks: Sequence[Mark]) -> None:
    """Store `marks` of a person in place of earlier ones for the same commitments that are not sent.

    TooManyMarksError, and nothing is stored, if more than MAX_MARKS were then not sent; HeldMarkError if one is sent
    already and can still be undone.
    """
    if not marks:
        return
    unsent = {mark.commitment_id for mark in marks if mark.due_at is None}
    if unsent and len(unsent.union(mark.commitment_id for mark in await of_person(db, who))) > MAX_MARKS:
        raise TooManyMarksError
    own = {"person_id": who.person_id, "company_id": who.company_id}
    given = insert(MARK).values([asdict(mark) | {"verb": mark.verb.value} | own for mark in marks])
    changed = {column.name: given.excluded[column.name] for column in MARK.c if column.name not in _KEY}
    saving = given.on_conflict_do_update(index_elements=list(_KEY), set_=changed, where=MARK.c.due_at.is_(None))
    saved = frozenset((await db.execute(saving.returning(MARK.c.commitment_id))).scalars())
    for mark in marks:
        if mark.commitment_id not in saved:
            raise HeldMarkError(mark.number)


async def clear(db: Transaction, who: DirectoryPerson, commitment_ids: Collection[str]) -> None:
    """Delete a person's marks of these commitments that are not sent."""
    own = delete(MARK).where(MARK.c.person_id == who.person_id, MARK.c.due_at.is_(None))
    await db.execute(own.where(MARK.c.commitment_id.in_(_storable(commitment_ids))))


async def clear_sent(db: Transaction, who: DirectoryPerson, sent: Sequence[Mark]) -> None:
    """Delete the marks that were `sent`, unless their person has marked the same commitment anew meanwhile."""
    is_same = tuple_(MARK.c.commitment_id, as_read(MARK.c.at)).in_([(mark.commitment_id, mark.at) for mark in sent])
    await db.execute(delete(MARK).where(MARK.c.person_id == who.person_id, is_same))


async def sweep(db: Transaction, _: str, before: datetime) -> Swept:
    """Delete marks that nobody has sent for long."""
    return await delete_oldest(db, MARK, MARK.c.at, before)
