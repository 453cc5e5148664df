"""Kafka messages as plain values, and batches of them with the offsets that they advance."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from schemas.message import Headers
from schemas.times import EARLIEST, LATEST
from schemas.values import value
from services.pipeline.clock import utc_now

_TIMESTAMPS_MS = range(*(int(moment.timestamp() * 1000) for moment in (EARLIEST, LATEST)))


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


@value
class Record:
    """One Kafka message as received; `at` is the broker's timestamp."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    at: datetime

    @property
    def position(self) -> str:
        """Where the message is in Kafka: topic/partition/offset."""
        return f"{self.partition.topic}/{self.partition.number}/{self.offset}"


def moment_of(timestamp_ms: float | None) -> datetime:
    """Return the time of a Kafka timestamp; now if the producer gave none, an implausible one, or in another unit."""
    if timestamp_ms is None or int(timestamp_ms) not in _TIMESTAMPS_MS:
        return utc_now()
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


@value
class Batch:
    """Records that are settled together, with the next offset of each partition before and after them.

    `begins` is None for a partition of which nothing was ever read.
    """

    records: Sequence[Record]
    begins: Mapping[Partition, int | None]
    ends: Mapping[Partition, int]

    @classmethod
    def without_offsets(cls, records: Sequence[Record]) -> "Batch":
        """Make a batch that advances no offsets, for a client that keeps its own."""
        return cls(records, {}, {})

    def by_partition(self) -> Iterator["Batch"]:
        """Yield a batch for each partition; together they advance the offsets as this one does."""
        records: dict[Partition, list[Record]] = {}
        for record in self.records:
            records.setdefault(record.partition, []).append(record)
        for partition, own in records.items():
            names = [partition] if partition in self.begins else []
            yield Batch(own, {name: self.begins[name] for name in names}, {name: self.ends[name] for name in names})

    def one_by_one(self) -> Iterator["Batch"]:
        """Yield a batch for each record; together they advance the offsets as this one does."""
        return self._pieces([record] for record in self.records)

    def halves(self) -> Iterator["Batch"]:
        """Yield a batch for each half of the records, in order; together they advance the offsets as this one does."""
        middle = len(self.records) // 2
        return self._pieces(half for half in (self.records[:middle], self.records[middle:]) if half)

    def _pieces(self, pieces: Iterable[Sequence[Record]]) -> Iterator["Batch"]:
        begins = dict(self.begins)
        for records in pieces:
            ends = {record.partition: record.offset + 1 for record in records if record.partition in begins}
            yield Batch(records, {partition: begins[partition] for partition in ends}, ends)
            begins.update(ends)


def batch_of(records: Sequence[Record], positions: Mapping[Partition, int | None]) -> Batch:
    """Make a batch of the records at or after `positions`; others were fetched before a seek and are left out."""
    fresh = [record for record in records if _is_due(record, positions)]
    ends = {record.partition: record.offset + 1 for record in fresh}
    return Batch(fresh, {partition: positions[partition] for partition in ends}, ends)


def _is_due(record: Record, positions: Mapping[Partition, int | None]) -> bool:
    if record.partition not in positions:
        return False
    position = positions[record.partition]
    return position is None or record.offset >= position
