"""Redrives by itself the dead letters whose type an earlier version did not know and this one does.

Readers are released before writers, so after an upgrade the types are known of what was set aside before, or is set
aside by processes of the earlier version until the last of them is replaced. Each letter is taken once: afterwards it
is settled, or open for another reason. Letters with the reason `schema` are left to people: their sender was told to
correct them, and may have done so under the same revision.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

import structlog

from schemas.envelope import decode
from schemas.message import UnreadableError
from services.pipeline import metrics
from services.pipeline.aggregate import Aggregate
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.dead_letters import UNKNOWN_TYPE
from services.pipeline.errors import CountersignError
from services.pipeline.letter_kinds import Kind
from services.pipeline.periodic import is_set_within
from services.pipeline.records import Record
from services.pipeline.redriving import Chosen, DeadLetterDesk, Handled
from services.pipeline.row_filter import RowFilter
from services.pipeline.tables import KernelTables

LOOK_SECONDS = 600.0
SOON_SECONDS = 60.0
MAX_LETTERS = 10_000
MAX_KINDS = 1_000
"""Of one look; what is beyond waits for the next, which begins there."""
BECAUSE = "this version knows its type"
_UNKNOWN = RowFilter(reason=UNKNOWN_TYPE)

log = structlog.get_logger()


class KnownTypes:
    """Looks at the start of a service and then every LOOK_SECONDS, at one letter of each type."""

    def __init__(self, service: str, database: Database, tables: KernelTables, aggregates: Sequence[Aggregate]) -> None:
        self._service = service
        self._aggregates = aggregates
        self._handled: list[Handled] = []
        self._after: Kind | None = None
        by = f"countersign {version('countersign')}"
        self._desk = DeadLetterDesk(service, database, tables, by, self._handled.append)

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until `stopping` is set; soon again if more is left, another redrive runs, or the database is away."""
        pause_seconds = 0.0
        while self._aggregates and not await is_set_within(stopping, pause_seconds):
            pause_seconds = await self._look()

    async def _look(self) -> float:
        """Look once and return the seconds until the next look."""
        try:
            has_more = await self.redrive_known()
        except (CountersignError, *DATABASE_ERRORS) as error:
            log.info("dead_letters.known_types_wait", cause=str(error) or type(error).__name__)
            return SOON_SECONDS
        except Exception:
            log.exception("dead_letters.known_types_failed")  # a defect in this must not end the service
            return LOOK_SECONDS
        return SOON_SECONDS if has_more else LOOK_SECONDS

    async def redrive_known(self) -> bool:
        """Redrive open letters with an unknown type that is known by now; return whether more may be left.

        Those of a type are taken in the order of their offsets. Outcomes are logged and counted.
        """
        left = MAX_LETTERS
        kinds = await self._desk.kinds(_UNKNOWN, MAX_KINDS, self._after)
        for kind in kinds:
            if left > 0 and await self._is_known(kind):
                left -= await self._redrive(kind, left)
        has_more_kinds = left > 0 and len(kinds) == MAX_KINDS
        self._after = kinds[-1] if has_more_kinds else None
        return left == 0 or has_more_kinds

    async def _is_known(self, kind: Kind) -> bool:
        """Whether this version knows the type of `kind`; letters are read one by one, since each may be large."""
        letter = await self._desk.find(kind)
        return letter is not None and not letter.is_cut and await asyncio.to_thread(is_known, letter.record)

    async def _redrive(self, kind: Kind, at_most: int) -> int:
        """Redrive the letters of `kind`; return how many were taken."""
        same = replace(_UNKNOWN, topic=kind.topic, why=kind.why.removesuffix("…"))
        log.info("dead_letters.type_known", topic=kind.topic)
        try:
            await self._desk.redrive(self._aggregates, Chosen(matching=same, at_most=at_most), BECAUSE)
        finally:
            taken = self._report()
        return taken

    def _report(self) -> int:
        """Log and count what became of the letters that were taken; return how many."""
        counts = Counter(each.outcome for each in self._handled)
        self._handled.clear()
        for outcome, count in counts.items():
            metrics.DEAD_LETTERS_REDRIVEN.labels(self._service, outcome.replace(" ", "_")).inc(count)
        log.info("dead_letters.redriven_by_itself", **{name.replace(" ", "_"): n for name, n in counts.items()})
        return counts.total()


def is_known(record: Record) -> bool:
    """Whether this version knows the type of `record`, whatever else may be wrong with it."""
    try:
        decode(record.partition.topic, record.key, record.value, record.headers, record.at)
    except UnreadableError as error:
        return error.reason != UNKNOWN_TYPE
    except Exception:  # noqa: BLE001 - what cannot be told is left to people
        return False
    return True
