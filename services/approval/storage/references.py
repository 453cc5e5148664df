"""The entries of the ERPs' lists: keeps each as it was last told, and says which of many names an ERP has."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import CompoundSelect, RowMapping, func, select, true, union_all

from schemas.events import ErpReference
from services.approval.rules.references import EntryName, Known
from services.approval.storage.tables import ERP_REFERENCE
from services.pipeline.bulk import arrays, given_rows, insert_many
from services.pipeline.database import Transaction
from services.pipeline.fold import StateChange
from services.pipeline.newest import Newest
from services.pipeline.writes import Writes


class ReferenceStore:
    """Entries of lists, each with its highest version; of one that was removed only the version."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, Newest[ErpReference]]:
        """Return the locked entry of every key, with the members that rules compare; its texts are in lower case."""
        table = ERP_REFERENCE
        await insert_many(db, table, [{"id": key, "version": -1} for key in keys])
        chosen = select(table).where(table.c.id == func.any(list(keys))).order_by(table.c.id)
        rows = await db.execute(chosen.with_for_update(key_share=True))
        return {row["id"]: Newest(row["id"], row["version"], _entry(row)) for row in rows.mappings()}

    async def save(
        self, _: Transaction, writes: Writes, changes: Sequence[StateChange[Newest[ErpReference], None]]
    ) -> None:
        """Write `changes`."""
        writes.update(ERP_REFERENCE, [_columns(change.after) for change in changes])


REFERENCES = ReferenceStore()


async def find(db: Transaction, names: Collection[EntryName]) -> Known:
    """Return those of `names` that are a name or an id in their list, each with whether such an entry is active."""
    if not names:
        return {}
    given = [{"connection": name.connection, "list_name": name.list_name, "name": name.text} for name in names]
    found: dict[EntryName, bool] = {}
    for connection, list_name, text, is_active in await db.execute(_FIND, arrays(given)):
        name = EntryName(connection, list_name, text)
        found[name] = is_active or found.get(name, False)
    return found


def _finding() -> CompoundSelect[Any]:
    """Return the statement that finds given names; each is two steps in an index, however long the lists are."""
    table = ERP_REFERENCE
    given = given_rows([table.c.connection, table.c.list_name, table.c.name])
    in_list = (table.c.connection == given.c.connection) & (table.c.list_name == given.c.list_name)
    parts = []
    for column in (table.c.name, table.c.entry_id):
        entries = select(table.c.is_active).where(in_list, column == given.c.name).order_by(table.c.is_active.desc())
        entry = entries.limit(1).lateral("entry")  # with a limit, since otherwise the whole table may be read
        parts.append(select(*given.c, entry.c.is_active).select_from(given).join(entry, true()))
    return union_all(*parts)


_FIND = _finding()


def _entry(row: RowMapping) -> ErpReference | None:
    if row["name"] is None:
        return None
    return ErpReference.trusted(
        connection=row["connection"],
        list_name=row["list_name"],
        id=row["entry_id"],
        name=row["name"],
        is_active=row["is_active"],
        version=row["version"],
    )


def _columns(newest: Newest[ErpReference]) -> dict[str, Any]:
    entry = newest.record
    return {
        "id": newest.key,
        "version": newest.version,
        "connection": entry and entry.connection,
        "list_name": entry and entry.list_name,
        "entry_id": entry and entry.id.lower(),
        "name": entry and entry.name.lower(),
        "is_active": entry and entry.is_active,
    }
