"""People and ERP connections, as the directory and the exporter last published them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from sqlalchemy import JSON, ColumnElement, cast, func, select, true

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.storage.tables import ERP_CONNECTION, PERSON
from services.pipeline.apart import apart_if_long
from services.pipeline.database import Transaction
from services.pipeline.unreadable import readable

_RECORDS = select(PERSON.c.id, PERSON.c.record).where(PERSON.c.record.is_not(None))


async def person(db: Transaction, person_id: str) -> DirectoryPerson | None:
    """Return a person; None if the directory does not list them, or no longer does."""
    return (await people(db, [person_id])).get(person_id)


async def people(db: Transaction, person_ids: Collection[str]) -> Mapping[str, DirectoryPerson]:
    """Return those of `person_ids` that the directory lists, by id."""
    found = await _people(await db.execute(_RECORDS.where(PERSON.c.id.in_(person_ids))))
    return {each.person_id: each for each in found}


async def people_of_company(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return everybody in the company's directory, by name."""
    found = await _people(await db.execute(_RECORDS.where(PERSON.c.company_id == company_id)))
    return sorted(found, key=lambda each: each.name)


async def approvers_of_company(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return the company's accounting approvers, by name."""
    may_push = cast(PERSON.c.record, JSON)["can_push_to_accounting"].as_string() == "true"
    found = await _people(await db.execute(_RECORDS.where(PERSON.c.company_id == company_id, may_push)))
    return sorted((each for each in found if each.is_approver), key=lambda each: (each.name, each.person_id))


async def erps_of_company(db: Transaction, company_id: str) -> Sequence[ErpConnection]:
    """Return the company's ERP connections, in the order in which they are asked for what they take."""
    # the records of all others, which may be long and many, are not read
    quoted = orjson.dumps(company_id).decode()
    found = await _erps(db, func.strpos(ERP_CONNECTION.c.record, quoted) > 0)
    return [each for each in found if company_id in each.companies]


async def all_erps(db: Transaction) -> Sequence[ErpConnection]:
    """Return the ERP connections of all companies, in the order in which they are asked for what they take."""
    return await _erps(db, true())


async def _erps(db: Transaction, wanted: ColumnElement[bool]) -> Sequence[ErpConnection]:
    table = ERP_CONNECTION
    chosen = select(table.c.id, table.c.record).where(table.c.record.is_not(None), wanted).order_by(table.c.id)
    rows = (await db.execute(chosen)).all()
    read = partial(readable, table, rows, _id, lambda row: ErpConnection.model_validate_json(row.record))
    found = await apart_if_long(read, sum(len(row.record) for row in rows))
    return sorted(found, key=lambda each: each.priority)


async def _people(found: Iterable[Any]) -> list[DirectoryPerson]:
    """Return the people in the rows; one whose record cannot be read is none, and so has no right."""
    rows = list(found)
    read = partial(readable, PERSON, rows, _id, lambda row: DirectoryPerson.model_validate_json(row.record))
    return await apart_if_long(read, sum(len(row.record) for row in rows))


def _id(row: Any) -> str:
    return str(row.id)
