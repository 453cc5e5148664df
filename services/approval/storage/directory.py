"""People and ERP connections, as the directory and the exporter last published them."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import orjson
from sqlalchemy import JSON, ColumnElement, cast, func, select, true

from schemas.events import DirectoryPerson, ErpConnection
from services.approval.storage.tables import ERP_CONNECTION, PERSON
from services.pipeline.apart import all_read
from services.pipeline.database import Transaction


async def person(db: Transaction, person_id: str) -> DirectoryPerson | None:
    """Return a person; None if the directory does not list them, or no longer does."""
    return (await people(db, [person_id])).get(person_id)


async def people(db: Transaction, person_ids: Collection[str]) -> Mapping[str, DirectoryPerson]:
    """Return those of `person_ids` that the directory lists, by id."""
    chosen = select(PERSON.c.id, PERSON.c.record).where(PERSON.c.id.in_(person_ids), PERSON.c.record.is_not(None))
    rows = (await db.execute(chosen)).all()
    return dict(zip([row.id for row in rows], await _people(row.record for row in rows), strict=True))


async def people_of_company(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return everybody in the company's directory, by name."""
    rows = await db.execute(select(PERSON.c.record).where(PERSON.c.company_id == company_id))
    found = await _people(row.record for row in rows if row.record)
    return sorted(found, key=lambda each: each.name)


async def approvers_of_company(db: Transaction, company_id: str) -> Sequence[DirectoryPerson]:
    """Return the company's accounting approvers, by name."""
    may_push = cast(PERSON.c.record, JSON)["can_push_to_accounting"].as_boolean()
    rows = await db.execute(select(PERSON.c.record).where(PERSON.c.company_id == company_id, may_push))
    found = await _people(row.record for row in rows if row.record)
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
    chosen = select(table.c.record).where(table.c.record.is_not(None), wanted).order_by(table.c.id)
    found = await all_read(ErpConnection.model_validate_json, (await db.execute(chosen)).scalars())
    return sorted(found, key=lambda each: each.priority)


async def _people(records: Iterable[str]) -> list[DirectoryPerson]:
    return await all_read(DirectoryPerson.model_validate_json, records)
