"""Stores for the newest record of each commitment, person and preference."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Row, Table, func, select

from schemas.events import DigestPreference, DirectoryPerson
from services.digest.rules.items import Item
from services.digest.storage.tables import ITEM, PERSON, PREFERENCE
from services.pipeline.bulk import insert_given
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange
from services.pipeline.newest import Newest
from services.pipeline.unreadable import read_or_none
from services.pipeline.writes import Write, Writes

RecordT = TypeVar("RecordT", Item, DirectoryPerson, DigestPreference)


class NewestStore(Generic[RecordT]):
    """Keeps the newest record of each key in a table whose columns are named as the record's members.

    The member `key` is the exception: its column is `id`.
    """

    def __init__(self, table: Table, record_type: type[RecordT], key: str) -> None:
        self._table = table
        self._records: TypeAdapter[RecordT] = TypeAdapter(record_type)
        self._member_of_column = {name: name for name in table.c.keys()} | {"id": key}  # noqa: SIM118 - names, not columns

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, Newest[RecordT]]:
        """Return the newest record of every key, locked if there is one."""
        table = self._table
        chosen = select(table).where(table.c.id == func.any(list(keys))).order_by(table.c.id)
        rows = await db.execute(chosen.with_for_update(key_share=True))
        known = {row.id: Newest(row.id, row.version, self.record_or_none(row)) for row in rows}
        return {key: known.get(key) or Newest(key) for key in keys}

    async def save(self, _: Transaction, writes: Writes, changes: Sequence[StateChange[Newest[RecordT], None]]) -> None:
        """Write all `changes`."""
        records = [change.after.record for change in sorted(changes, key=lambda change: change.key)]
        rows = [
            {name: getattr(record, member) for name, member in self._member_of_column.items()} for record in records
        ]
        writes.add(_upsert(self._table), rows)

    def record_or_none(self, row: Row[Any]) -> RecordT | None:
        """Return the record of `row`; None if it cannot be read, so that the next version replaces it."""
        return read_or_none(self._table, row.id, lambda: self.record(row))

    def record(self, row: Row[Any]) -> RecordT:
        """Return the record that `row` of this store's table holds; other columns of `row` are ignored.

        ValidationError if an earlier release wrote it in a form that this one does not accept.
        """
        values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row by column
        return self._records.validate_python({member: values[name] for name, member in self._member_of_column.items()})


@cache
def _upsert(table: Table) -> Write:
    """Return an insert that replaces a row of the same or a lower version.

    A higher one can only come from another process, since each known row is locked: a key that was new to both.
    """
    name = f"newest_{table.name}"
    given = insert_given(table, tuple(table.c.keys()), name)
    upsert = given.on_conflict_do_update(
        index_elements=["id"],
        set_={name: given.excluded[name] for name in table.c.keys() if name != "id"},  # noqa: SIM118 - names, not columns
        where=table.c.version <= given.excluded.version,
    )
    return Write(name, upsert)


ITEMS = NewestStore(ITEM, Item, "commitment_id")
PEOPLE = NewestStore(PERSON, DirectoryPerson, "person_id")
PREFERENCES = NewestStore(PREFERENCE, DigestPreference, "person_id")
