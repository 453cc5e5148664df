"""What the digest knows, in PostgreSQL: facts go in by version, and come out as recipients and items."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Table, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from schemas.commitment import Person
from schemas.envelope import Event
from schemas.events import CommitmentStatus, DigestPreference, DirectoryPerson, DirectoryPersonRemoved, EventData
from schemas.fields import Status, ToolLevel
from services.digest.rules.summary import OPEN, OUTCOMES, UNANSWERED, Due, Item, Recipient
from services.digest.storage.tables import DIGEST_RUN, ITEM, PERSON, PREFERENCE
from services.pipeline.bulk import arrays, insert_given
from services.pipeline.database import Transaction
from services.pipeline.dead_letters import DeadLetter
from services.pipeline.records import Record

Read = tuple[Record, Event[EventData]]
Row = Mapping[str, Any]


async def project(db: Transaction, events: Sequence[Read]) -> tuple[int, list[DeadLetter]]:
    """Apply `events` in their order; return how many rows they changed, and the events of foreign companies.

    A version that is not above the known one changes nothing, so that repeating any of them is harmless.
    """
    changed, letters = 0, []
    for data_type, run in groupby(events, key=lambda each: type(each[1].data)):
        rows, foreign = await _APPLY[data_type](db, list(run))
        changed += rows
        letters += foreign
    return changed, letters


async def _put(
    db: Transaction, table: Table, events: Sequence[Read], row_of: Callable[[Any], Row]
) -> tuple[int, list[DeadLetter]]:
    """Write the newest of each key, where it is newer than what is known and of the same company."""
    rows = [(record, row_of(event.data)) for record, event in events]
    companies = await _companies(db, table, {row["id"] for _, row in rows})
    newest: dict[str, Row] = {}
    letters = []
    for record, row in rows:
        if companies.setdefault(row["id"], row["company_id"]) != row["company_id"]:
            letters.append(DeadLetter(record, "other_company", f"{row['id']} belongs to another company"))
        elif row["id"] not in newest or newest[row["id"]]["version"] < row["version"]:
            newest[row["id"]] = row
    return await _upsert(db, table, [newest[key] for key in sorted(newest)]), letters


async def _companies(db: Transaction, table: Table, keys: Collection[str]) -> dict[str, str]:
    known = select(table.c.id, table.c.company_id).where(table.c.id == func.any(list(keys)))
    return {row.id: row.company_id for row in await db.execute(known)}


async def _upsert(db: Transaction, table: Table, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    given = insert_given(table, tuple(rows[0]))
    newer = given.on_conflict_do_update(
        index_elements=["id"],
        set_={name: given.excluded[name] for name in rows[0] if name != "id"},
        where=table.c.version < given.excluded.version,
    )
    return len((await db.execute(newer.returning(table.c.id), arrays(rows))).all())


async def _put_items(db: Transaction, events: Sequence[Read]) -> tuple[int, list[DeadLetter]]:
    return await _put(db, ITEM, events, _item_row)


async def _put_people(db: Transaction, events: Sequence[Read]) -> tuple[int, list[DeadLetter]]:
    return await _put(db, PERSON, events, _person_row)


async def _put_preferences(db: Transaction, events: Sequence[Read]) -> tuple[int, list[DeadLetter]]:
    return await _put(db, PREFERENCE, events, _preference_row)


async def _clear_rights(db: Transaction, events: Sequence[Read]) -> tuple[int, list[DeadLetter]]:
    people = [event.subject for _, event in events]
    cleared = await db.execute(
        update(PERSON)
        .where(PERSON.c.id == func.any(people), PERSON.c.erp_tool != ToolLevel.NONE)
        .values(erp_tool=ToolLevel.NONE, can_push_to_accounting=False)
        .returning(PERSON.c.id)
    )
    return len(cleared.all()), []


_APPLY: Mapping[type[EventData], Callable[[Transaction, Sequence[Read]], Awaitable[tuple[int, list[DeadLetter]]]]]
_APPLY = {
    CommitmentStatus: _put_items,
    DirectoryPerson: _put_people,
    DirectoryPersonRemoved: _clear_rights,
    DigestPreference: _put_preferences,
}


def _item_row(told: CommitmentStatus) -> Row:
    return {
        "id": told.commitment_id,
        "company_id": told.company_id,
        "version": told.version,
        "status": told.status,
        "since": told.since,
        "revision": told.revision,
        "message": told.message,
        "currency": told.summary.currency,
        "total": Decimal(told.summary.total),
        "summary": told.summary.model_dump_json(exclude_none=True),
    }


def _person_row(told: DirectoryPerson) -> Row:
    names = ("company_id", "version", "name", "email", "time_zone", "erp_tool", "can_push_to_accounting")
    return {"id": told.person_id, "digest_subscribed": told.digest_subscribed} | {
        name: getattr(told, name) for name in names
    }


def _preference_row(told: DigestPreference) -> Row:
    return {
        "id": told.person_id,
        "company_id": told.company_id,
        "version": told.version,
        "subscribed": told.subscribed,
    }


async def recipients(db: Transaction) -> list[Recipient]:
    """Return everybody who has any level on the ERP Integrations tool, company by company."""
    wish = PERSON.c.digest_subscribed & func.coalesce(PREFERENCE.c.subscribed, True)
    everybody = (
        select(PERSON, wish.label("is_subscribed"))
        .outerjoin(PREFERENCE, and_(PREFERENCE.c.id == PERSON.c.id, PREFERENCE.c.company_id == PERSON.c.company_id))
        .where(PERSON.c.erp_tool != ToolLevel.NONE)
        .order_by(PERSON.c.company_id, PERSON.c.id)
    )
    return [
        Recipient(
            Person(id=row.id, name=row.name, email=row.email),
            row.company_id,
            row.time_zone,
            ToolLevel(row.erp_tool),
            row.can_push_to_accounting,
            row.is_subscribed,
        )
        for row in await db.execute(everybody)
    ]


async def waits_since(db: Transaction) -> dict[str, datetime]:
    """Return, for each company in which anything waits for an answer, since when its oldest does."""
    oldest = (
        select(ITEM.c.company_id, func.min(ITEM.c.since))
        .where(ITEM.c.status.in_(UNANSWERED))
        .group_by(ITEM.c.company_id)
    )
    return {row[0]: row[1] for row in await db.execute(oldest)}


async def items(db: Transaction, company_id: str, outcomes_from: datetime) -> list[Item]:
    """Return a company's open commitments, and those that found their outcome at or after `outcomes_from`."""
    is_shown = or_(ITEM.c.status.in_(OPEN), and_(ITEM.c.status.in_(OUTCOMES), ITEM.c.since >= outcomes_from))
    rows = await db.execute(select(ITEM).where(ITEM.c.company_id == company_id, is_shown))
    return [
        Item(
            row.id,
            row.revision,
            Status(row.status),
            row.since,
            row.message,
            row.currency,
            row.total,
            row.summary,
        )
        for row in rows
    ]


async def sent_since(db: Transaction, first: date) -> set[tuple[str, date]]:
    """Return (recipient id, local date) of every summary of `first` or later."""
    sent = select(DIGEST_RUN.c.recipient_id, DIGEST_RUN.c.local_date).where(DIGEST_RUN.c.local_date >= first)
    return {(row.recipient_id, row.local_date) for row in await db.execute(sent)}


async def claim(db: Transaction, recipient: Recipient, due: Due, now: datetime) -> bool:
    """Record that this summary is made in this transaction; False where another one has done so."""
    run = insert(DIGEST_RUN).values(
        recipient_id=recipient.person.id,
        local_date=due.local_date,
        company_id=recipient.company_id,
        due_at=due.at,
        published_at=now,
    )
    claimed = await db.execute(run.on_conflict_do_nothing().returning(DIGEST_RUN.c.recipient_id))
    return claimed.first() is not None
