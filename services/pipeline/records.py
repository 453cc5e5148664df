"""Kafka messages as plain values, and a batch of them with the offsets between which it lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from schemas.envelope import Headers


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka message as it came; `at` is the broker's time."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that are settled together; `begins` is where each partition stood before, None where nobody ever read."""

    records: Sequence[Record]
    begins: Mapping[Partition, int | None]
    ends: Mapping[Partition, int]


def batch_of(records: Sequence[Record], positions: Mapping[Partition, int | None]) -> Batch:
    """Make a batch of the records that lie at or after `positions`; others are left-overs from before a seek."""
    fresh = [record for record in records if _is_due(record, positions)]
    ends = {record.partition: record.offset + 1 for record in fresh}
    return Batch(fresh, {partition: positions[partition] for partition in ends}, ends)


def _is_due(record: Record, positions: Mapping[Partition, int | None]) -> bool:
    if record.partition not in positions:
        return False
    position = positions[record.partition]
    return position is None or record.offset >= position
