"""People and ERP connections, as the directory and the exporter last published them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, cast, select

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.storage.tables import ERP_CONNECTION, PERSON
from services.pipeline.database import Transaction
from services.pipeline.unreadable import readable

_RECORDS = select(PERSON.c.id, PERSON.c.record).where(PERSON.c.record.is_not(None))


async def person(db: Transaction, person_id: str) -> DirectoryPerson | None:
    """Return a person; None if the directory does not list them, or no longer does."""
    return (await people(db, [person_id])).get(person_id)


async def people(db: Transaction, person_ids: Collection[str]) -> Mapping[str, DirectoryPerson]:
    """Return those of `person_ids` that the directory lists, by id."""
    chosen = _RECORDS.where(PERSON.c.id.in_(person_ids))
    return {each.person_id: each for each in _people(await db.execute(chosen))}


async def people_of_company(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return everybody in the company's directory, by name."""
    rows = await db.execute(_RECORDS.where(PERSON.c.company_id == company_id))
    return sorted(_people(rows), key=lambda each: each.name)


async def approvers_of_company(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return the company's accounting approvers, by name."""
    may_push = cast(PERSON.c.record, JSON)["can_push_to_accounting"].as_string() == "true"
    rows = await db.execute(_RECORDS.where(PERSON.c.company_id == company_id, may_push))
    return sorted((each for each in _people(rows) if each.is_approver), key=lambda each: (each.name, each.person_id))


async def erps_of_company(db: Transaction, company_id: str) -> Sequence[ErpConnection]:
    """Return the company's ERP connections, in the order in which they are asked for what they take."""
    return [each for each in await all_erps(db) if company_id in each.companies]


async def all_erps(db: Transaction) -> Sequence[ErpConnection]:
    """Return the ERP connections of all companies, in the order in which they are asked for what they take."""
    table = ERP_CONNECTION
    rows = await db.execute(select(table.c.id, table.c.record).where(table.c.record.is_not(None)).order_by(table.c.id))
    found = readable(table, rows, lambda row: row.id, lambda row: ErpConnection.model_validate_json(row.record))
    return sorted(found, key=lambda each: each.priority)


def _people(rows: Iterable[Any]) -> list[DirectoryPerson]:
    """Return the people in `rows`; one whose record cannot be read is none, and so has no right."""
    return readable(PERSON, rows, lambda row: row.id, lambda row: DirectoryPerson.model_validate_json(row.record))
