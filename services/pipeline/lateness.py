"""Tells how far a service is behind what was published, in time: everything until then is processed.

The ends of the topics are noted with the time at which they were asked for. Once the saved offsets have passed them,
everything until that time is processed, whichever process of the service did it. While messages wait, the time of the
last one that this process settled says more.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from services.pipeline.broker.brokers import Span
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.offsets import Offsets
from services.pipeline.records import Partition, Record
from services.pipeline.tables import KernelTables

NOTICEABLE = timedelta(minutes=2)
"""Less is not told: the ends are asked for every half minute, and what came meanwhile is not late."""


class _End(NamedTuple):
    """Where a partition ended, and when."""

    offset: int
    at: datetime


class Lateness:
    """How far the saved offsets are behind; before anything is known, it counts from when it was made."""

    def __init__(self, database: Database, tables: KernelTables, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._offsets = Offsets(tables)
        self._clock = clock
        self._began_at = clock()
        self._positions: Mapping[Partition, int] = {}
        self._complete_until: dict[Partition, datetime] = {}
        self._wanted: dict[Partition, _End] = {}
        self._settled_at: dict[Partition, datetime] = {}

    @property
    def behind(self) -> timedelta | None:
        """How far the service is behind; None if that is less than NOTICEABLE."""
        until = min(map(self._until, self._positions), default=self._began_at)
        behind = self._clock() - until
        return behind if behind >= NOTICEABLE else None

    async def look(self, ends: Mapping[Partition, Span], asked_at: datetime) -> None:
        """Compare the saved offsets with the `ends` that the brokers told at `asked_at`."""
        self.compare(ends, await self._offsets.load_all(self._database), asked_at)

    def compare(self, ends: Mapping[Partition, Span], saved: Mapping[Partition, int], asked_at: datetime) -> None:
        """Note what of the topics, which had these `ends`, is processed according to the `saved` offsets."""
        positions = {partition: saved.get(partition, span.low) for partition, span in ends.items()}
        for partition, position in positions.items():
            if position < self._positions.get(partition, 0):
                self._forget(partition)  # the database was restored from a backup
            self._note(partition, position, _End(ends[partition].high, asked_at))
        self._positions = positions

    def settled(self, records: Iterable[Record]) -> None:
        """Note that `records` were processed, all before them in their partitions included."""
        now = self._clock()
        self._settled_at.update({record.partition: min(record.at, now) for record in records})

    def _note(self, partition: Partition, position: int, end: _End) -> None:
        wanted = self._wanted.get(partition)
        if position >= end.offset:
            self._complete_until[partition] = end.at
            self._wanted.pop(partition, None)
            return
        if wanted is not None and position >= wanted.offset:
            self._complete_until[partition] = wanted.at
        if wanted is None or position >= wanted.offset:
            self._wanted[partition] = end

    def _forget(self, partition: Partition) -> None:
        for known in (self._complete_until, self._wanted, self._settled_at):
            known.pop(partition, None)

    def _until(self, partition: Partition) -> datetime:
        known = [moments[partition] for moments in (self._complete_until, self._settled_at) if partition in moments]
        return max(known) if known else self._wanted[partition].at
