"""Holds the records that were read from Kafka and are not in a batch yet, and cuts batches of a bounded size."""

from collections import deque
from collections.abc import Collection, Iterable

from services.pipeline.records import Partition, Record

BATCH_RECORDS = 500
BATCH_BYTES = 8 * 1024 * 1024


class Fetched:
    """Records in the order in which they were read."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._records)

    @property
    def room(self) -> int:
        """How many more records belong into the next batch."""
        return 0 if self._bytes >= BATCH_BYTES else max(BATCH_RECORDS - len(self._records), 0)

    def add(self, records: Iterable[Record]) -> None:
        """Add `records` at the end."""
        for record in records:
            self._records.append(record)
            self._bytes += _bytes_of(record)

    def cut(self) -> list[Record]:
        """Take the records of one batch: at most BATCH_RECORDS, and none after those that reach BATCH_BYTES."""
        records: list[Record] = []
        size = 0
        while self._records and len(records) < BATCH_RECORDS and size < BATCH_BYTES:
            records.append(self._records.popleft())
            size += _bytes_of(records[-1])
        self._bytes -= size
        return records

    def put_back(self, records: Iterable[Record]) -> None:
        """Undo the cut of `records`."""
        rest = list(self._records)
        self.clear()
        self.add([*records, *rest])

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget the records of `partitions`."""
        kept = [record for record in self._records if record.partition not in partitions]
        self.clear()
        self.add(kept)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._bytes = 0


def _bytes_of(record: Record) -> int:
    return len(record.value or b"")
