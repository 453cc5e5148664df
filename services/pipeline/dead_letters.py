"""Messages that could not be processed, kept as rows with all that is needed to understand and process them again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping, Table, Update, and_, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from schemas.envelope import message_bytes
from schemas.limits import MAX_SUBMISSION_BYTES
from schemas.message import UnreadableError
from services.pipeline.database import Transaction, is_data_error
from services.pipeline.errors import UnreadableRowError
from services.pipeline.fold import RefusedError
from services.pipeline.records import Partition, Record
from services.pipeline.row_filter import ALL_ROWS, RowFilter
from services.pipeline.tables import KernelTables

UNDECODABLE = "undecodable"
"""Reason of a message that is no CloudEvent in JSON."""
SCHEMA = "schema"
"""Reason of an event whose data breaks the contract, or a constraint of our tables."""
HANDLER_FAILED = "handler_failed"
"""Reason of a well-formed event that our code failed to handle: a defect, to be processed again after the fix."""

UNKNOWN_TYPE = "unknown_type"
"""Reason of an event that does not belong on its topic."""
KEY_MISMATCH = "key_mismatch"
"""Reason of a message whose key is not whom it is about."""
TOO_LARGE = "too_large"
"""Reason of a message that exceeds the contract's limits."""
REASONS = (
    UNDECODABLE,
    SCHEMA,
    UNKNOWN_TYPE,
    "other_company",
    KEY_MISMATCH,
    TOO_LARGE,
    HANDLER_FAILED,
)
"""Every reason that a dead letter can have."""
KEPT_BYTES = 65_536
"""How much is kept of the value of a message that is too large: a few bytes may unpack to gigabytes."""
KEPT_WHY_CHARACTERS = 4_000
"""How much is kept of an explanation, which may quote the message."""
READ_BYTES = 8_388_608
"""How many bytes of contents are read at once, and a letter more: thousands of large messages may be open."""
_CONTENTS = ("value", "header_names", "header_values")
_CUT = "; only the beginning is kept"
_KEPT_HEADERS = 32
_KEPT_HEADER_BYTES = 1_024


class SettledAs(StrEnum):
    """What became of a dead letter that is no longer open."""

    REDRIVEN = "redriven"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    """A tombstone of the same key came after it: processing it now would undo the removal."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a dead letter was settled, when, by whom, and why if they said so."""

    how: SettledAs
    at: datetime
    by: str
    because: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message with the reason why it was set aside, and an explanation for people; open while `settled` is None.

    `is_read_safely` is whether it took effect nevertheless: as the removal of a person who may have lost their rights.
    `is_of_row` is whether a row of ours cannot be read, so that every event about the same key would fail.
    `set_aside_at` is None until the database has it.
    """

    record: Record
    reason: str
    why: str
    settled: Settled | None = None
    is_read_safely: bool = False
    is_of_row: bool = False
    set_aside_at: datetime | None = None

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the message was kept, so that it cannot be processed again."""
        return self.why.endswith(_CUT)

    @property
    def cause(self) -> str:
        """The explanation without what became of the message."""
        return self.why.removesuffix(_CUT)


def dead_letter_of(record: Record, error: Exception) -> DeadLetter:
    """Return the dead letter of a message that cannot be read, or of an event that its handler or store rejected."""
    if isinstance(error, UnreadableError) and error.reason == TOO_LARGE:
        return _too_large(record, str(error))
    if isinstance(error, UnreadableError | RefusedError):
        return DeadLetter(record, error.reason, str(error))
    if isinstance(error, DBAPIError) and is_data_error(error):
        return DeadLetter(record, SCHEMA, f"The database refuses it: {str(error.orig).splitlines()[0]}")
    is_of_row = isinstance(error, UnreadableRowError)
    return DeadLetter(record, HANDLER_FAILED, f"{type(error).__name__}: {error}", is_of_row=is_of_row)


def _too_large(record: Record, why: str) -> DeadLetter:
    """Return the dead letter of a message with too many bytes, of which the beginning is kept, or too many lines."""
    if message_bytes(record.key, record.value, record.headers) <= MAX_SUBMISSION_BYTES:
        return DeadLetter(record, TOO_LARGE, why)
    return DeadLetter(_beginning_of(record), TOO_LARGE, f"{why}{_CUT}")


def _beginning_of(record: Record) -> Record:
    headers = [
        (name[:_KEPT_HEADER_BYTES], text and text[:_KEPT_HEADER_BYTES]) for name, text in record.headers[:_KEPT_HEADERS]
    ]
    key, value = (content and content[:KEPT_BYTES] for content in (record.key, record.value))
    return replace(record, key=key, value=value, headers=headers)


class DeadLetters:
    """A service's dead letters."""

    def __init__(self, tables: KernelTables) -> None:
        self._table = tables.dead_letter

    async def conclude(self, db: Transaction, records: Sequence[Record], letters: Sequence[DeadLetter]) -> None:
        """Keep `letters`, which is what could not be processed of `records`; the rest has been."""
        await self.add(db, letters)
        await self.supersede(db, tombstones_in(records, letters))

    async def add(self, db: Transaction, letters: Sequence[DeadLetter]) -> None:
        """Insert `letters`; one whose position is there already stays as it is."""
        if letters:
            rows = [_row(letter) for letter in letters]
            await db.execute(insert(self._table).values(rows).on_conflict_do_nothing())

    async def supersede(self, db: Transaction, tombstones: Sequence[Record]) -> None:
        """Settle open letters that a tombstone of the same key came after: it has no version to outrank them later."""
        table = self._table
        for each in tombstones:
            is_earlier = and_(_is_on(table, each.partition), table.c.offset < each.offset, table.c.key == each.key)
            await db.execute(self._settling(SettledAs.SUPERSEDED, "countersign").where(is_earlier))

    async def settle(
        self, db: Transaction, records: Sequence[Record], how: SettledAs, by: str, because: str | None = None
    ) -> int:
        """Settle the open letters at the positions of `records`; return how many were still open."""
        positions = [(*record.partition, record.offset) for record in records]
        table = self._table
        is_named = tuple_(table.c.topic, table.c.partition, table.c.offset).in_(positions)
        return (await db.execute(self._settling(how, by, because).where(is_named))).rowcount

    async def explain_again(self, db: Transaction, letters: Sequence[DeadLetter]) -> int:
        """Give open letters the reason for which they failed now; return how many were still open."""
        count = 0
        for letter in letters:
            given = update(self._table).values(reason=letter.reason, why=_kept(letter.why))
            is_open = and_(_is_at(self._table, letter.record), self._table.c.settled_at.is_(None))
            count += (await db.execute(given.where(is_open))).rowcount
        return count

    async def newest(
        self, db: Transaction, limit: int, chosen: RowFilter = ALL_ROWS, *, with_settled: bool = False
    ) -> list[DeadLetter]:
        """Return the newest `limit` dead letters of those `chosen`, newest first; only open ones unless `with_settled`.

        Those that were set aside in one transaction are in the order of their positions. Contents are left out.
        """
        c = self._table.c
        newest = select(*(each for each in c if each.name not in _CONTENTS)).limit(limit)
        newest = newest.order_by(c.recorded_at.desc(), c.topic, c.partition, c.offset)
        wanted = newest.where(*chosen.conditions(self._table, c.recorded_at))
        rows = await db.execute(wanted if with_settled else wanted.where(c.settled_at.is_(None)))
        return [_letter(row) for row in rows.mappings()]

    async def oldest_open(
        self, db: Transaction, after: tuple[str, int, int], limit: int, chosen: RowFilter = ALL_ROWS
    ) -> list[DeadLetter]:
        """Return the first open ones of those `chosen` behind a position, in the order of their positions.

        At most `limit` and one more than READ_BYTES have room for; none only if none is left.
        """
        table = self._table
        is_chosen = (table.c.settled_at.is_(None), *chosen.conditions(table, table.c.recorded_at))
        size = func.coalesce(func.octet_length(table.c.value), 0) + func.pg_column_size(table.c.header_values)
        wanted = select(*_position(table), size.label("bytes")).where(tuple_(*_position(table)) > after, *is_chosen)
        first = wanted.order_by(*_position(table)).limit(limit).subquery()
        earlier_bytes = func.sum(first.c.bytes).over(order_by=_position(first), rows=(None, -1))
        sized = select(*_position(first), func.coalesce(earlier_bytes, 0).label("earlier_bytes")).subquery()
        at = and_(*(here == there for here, there in zip(_position(table), _position(sized), strict=True)))
        read = select(table).join(sized, at).where(sized.c.earlier_bytes < READ_BYTES)
        rows = await db.execute(read.order_by(*_position(table)))
        return [_letter(row) for row in rows.mappings()]

    async def find(self, db: Transaction, partition: Partition, offset: int) -> DeadLetter | None:
        """Return the dead letter at one position, None if there is none."""
        table = self._table
        rows = await db.execute(select(table).where(_is_on(table, partition), table.c.offset == offset))
        row = rows.mappings().one_or_none()
        return None if row is None else _letter(row)

    async def count_by_reason(self, db: Transaction, chosen: RowFilter = ALL_ROWS) -> dict[str, int]:
        """Return the number of open ones of those `chosen`, by reason."""
        table = self._table
        counted = select(table.c.reason, func.count()).where(table.c.settled_at.is_(None))
        wanted = counted.where(*chosen.conditions(table, table.c.recorded_at)).group_by(table.c.reason)
        return {row[0]: row[1] for row in await db.execute(wanted)}

    async def oldest_open_since(self, db: Transaction) -> datetime | None:
        """Return when the oldest open dead letter was set aside; None if none is open."""
        oldest = select(func.min(self._table.c.recorded_at)).where(self._table.c.settled_at.is_(None))
        since: datetime | None = (await db.execute(oldest)).scalar_one()
        return since

    def _settling(self, how: SettledAs, by: str, because: str | None = None) -> Update:
        settled = {"settled_as": how.value, "settled_at": func.now(), "settled_by": by}
        given = settled if because is None else settled | {"settled_because": _storable(because)}
        return update(self._table).where(self._table.c.settled_at.is_(None)).values(given)


def tombstones_in(records: Sequence[Record], letters: Sequence[DeadLetter]) -> list[Record]:
    """Return the tombstones among `records` that were applied, and the dead letters that were read as tombstones."""
    failed = {letter.record.position: letter.is_read_safely for letter in letters}
    return [record for record in records if failed.get(record.position, not record.value)]


def _position(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    return (table.c.topic, table.c.partition, table.c.offset)


def _is_on(table: Table, partition: Partition) -> ColumnElement[bool]:
    return and_(table.c.topic == partition.topic, table.c.partition == partition.number)


def _is_at(table: Table, record: Record) -> ColumnElement[bool]:
    return and_(_is_on(table, record.partition), table.c.offset == record.offset)


def _row(letter: DeadLetter) -> dict[str, object]:
    record = letter.record
    return {
        "topic": record.partition.topic,
        "partition": record.partition.number,
        "offset": record.offset,
        "reason": letter.reason,
        "why": _kept(letter.why),
        "key": record.key,
        "value": record.value,
        "header_names": [_storable(name) for name, _ in record.headers],
        "header_values": [value for _, value in record.headers],
        "happened_at": record.at,
    }


def _storable(text: str) -> str:
    return text.replace("\x00", "\\0")


def _kept(why: str) -> str:
    return _storable(why if len(why) <= KEPT_WHY_CHARACTERS else f"{why[:KEPT_WHY_CHARACTERS]}…")


def _letter(row: RowMapping) -> DeadLetter:
    headers = list(zip(row.get("header_names", ()), row.get("header_values", ()), strict=False))
    partition = Partition(row["topic"], row["partition"])
    record = Record(partition, row["offset"], row["key"], row.get("value"), headers, row["happened_at"])
    return DeadLetter(record, row["reason"], row["why"], _settled(row), set_aside_at=row["recorded_at"])


def _settled(row: RowMapping) -> Settled | None:
    if row["settled_at"] is None:
        return None
    how = SettledAs(row["settled_as"])
    return Settled(how, row["settled_at"], row["settled_by"], row["settled_because"])
