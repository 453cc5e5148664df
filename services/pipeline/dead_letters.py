"""Messages that could not be processed, kept as rows with all that is needed to understand and process them again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from schemas.envelope import UnreadableError, message_bytes
from schemas.limits import MAX_SUBMISSION_BYTES
from services.pipeline.database import Transaction, is_data_error
from services.pipeline.fold import RefusedError
from services.pipeline.records import Partition, Record
from services.pipeline.tables import KernelTables

SCHEMA = "schema"
"""Reason of an event whose data breaks the contract, or a constraint of our tables."""
HANDLER_FAILED = "handler_failed"
"""Reason of a well-formed event that our code failed to handle: a defect, to be processed again after the fix."""

TOO_LARGE = "too_large"
"""Reason of a message that exceeds the contract's limits."""
KEPT_BYTES = 65_536
"""How much is kept of the value of a message that is too large: a few bytes may unpack to gigabytes."""
_KEPT_HEADERS = 32
_KEPT_HEADER_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message with the reason why it was set aside, and an explanation for people."""

    record: Record
    reason: str
    why: str


def dead_letter_of(record: Record, error: Exception) -> DeadLetter:
    """Return the dead letter of a message that cannot be read, or of an event that its handler or store rejected."""
    if isinstance(error, UnreadableError) and error.reason == TOO_LARGE:
        return _too_large(record, str(error))
    if isinstance(error, UnreadableError | RefusedError):
        return DeadLetter(record, error.reason, str(error))
    if isinstance(error, DBAPIError) and is_data_error(error):
        return DeadLetter(record, SCHEMA, f"The database refuses it: {str(error.orig).splitlines()[0]}")
    return DeadLetter(record, HANDLER_FAILED, f"{type(error).__name__}: {error}")


def _too_large(record: Record, why: str) -> DeadLetter:
    """Return the dead letter of a message with too many bytes, of which the beginning is kept, or too many lines."""
    if message_bytes(record.key, record.value, record.headers) <= MAX_SUBMISSION_BYTES:
        return DeadLetter(record, TOO_LARGE, why)
    return DeadLetter(_beginning_of(record), TOO_LARGE, f"{why}; only the beginning is kept")


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

    async def add(self, db: Transaction, letters: Sequence[DeadLetter]) -> None:
        """Insert `letters`; one whose position is there already stays as it is."""
        if letters:
            rows = [_row(letter) for letter in letters]
            await db.execute(insert(self._table).values(rows).on_conflict_do_nothing())

    async def newest(self, db: Transaction, limit: int) -> list[DeadLetter]:
        """Return the newest `limit` dead letters, newest first."""
        rows = await db.execute(select(self._table).order_by(self._table.c.recorded_at.desc()).limit(limit))
        return [_letter(row) for row in rows.mappings()]

    async def find(self, db: Transaction, partition: Partition, offset: int) -> DeadLetter | None:
        """Return the dead letter at one position, None if there is none."""
        table = self._table
        rows = await db.execute(
            select(table).where(
                table.c.topic == partition.topic, table.c.partition == partition.number, table.c.offset == offset
            )
        )
        row = rows.mappings().one_or_none()
        return None if row is None else _letter(row)

    async def count_by_reason(self, db: Transaction) -> dict[str, int]:
        """Return the number of dead letters by reason."""
        rows = await db.execute(select(self._table.c.reason, func.count()).group_by(self._table.c.reason))
        return {row[0]: row[1] for row in rows}


def _row(letter: DeadLetter) -> dict[str, object]:
    record = letter.record
    return {
        "topic": record.partition.topic,
        "partition": record.partition.number,
        "offset": record.offset,
        "reason": letter.reason,
        "why": letter.why.replace("\x00", "\\0"),
        "key": record.key,
        "value": record.value,
        "header_names": [name.replace("\x00", "\\0") for name, _ in record.headers],
        "header_values": [value for _, value in record.headers],
        "happened_at": record.at,
    }


def _letter(row: RowMapping) -> DeadLetter:
    headers = list(zip(row["header_names"], row["header_values"], strict=True))
    partition = Partition(row["topic"], row["partition"])
    record = Record(partition, row["offset"], row["key"], row["value"], headers, row["happened_at"])
    return DeadLetter(record, row["reason"], row["why"])
