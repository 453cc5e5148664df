"""Tells whether a service has read what it must know before it acts, such as its own decisions after a restore.

A database that was restored from a backup knows nothing of what happened since, until it has read it again. A service
has caught up once all its saved offsets have passed the ends that the topics had when it started, or when its offsets
were seen to move backwards. What other members of the group read counts as well, since only the database is asked.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

from services.pipeline.broker.brokers import Brokers, Span
from services.pipeline.database import DATABASE_ERRORS, Database
from services.pipeline.errors import BrokerError, CatchingUpError
from services.pipeline.offsets import Offsets
from services.pipeline.periodic import is_set_within
from services.pipeline.records import Partition
from services.pipeline.seldom import Seldom
from services.pipeline.tables import KernelTables
from services.pipeline.tracebacks import named

BEHIND_SECONDS = 0.2
WATCH_SECONDS = 5.0
"""Seldom, since a restored database has interrupted its connections, and that is noticed at once."""

_WAITS, _DONE = "waits", "done"

log = structlog.get_logger()


class CatchingUp:
    """Follows the saved offsets of `topics`; nothing is caught up before the first look."""

    def __init__(self, database: Database, tables: KernelTables, topics: Sequence[str]) -> None:
        self._database = database
        self._offsets = Offsets(tables)
        self._topics = topics
        self._wanted: Mapping[Partition, Span] | None = None
        self._seen: Mapping[Partition, int] = {}
        self._seldom = Seldom()
        self._is_waiting = False
        self._doubt = asyncio.Event()
        self.is_caught_up = False
        event.listen(database.engine.sync_engine, "handle_error", self._note_error)

    def require(self) -> None:
        """Raise CatchingUpError unless the service has caught up."""
        if not self.is_caught_up:
            raise CatchingUpError("Countersign is catching up after a restart; try again in a moment.")

    async def run(self, stopping: asyncio.Event, brokers: Brokers, on_caught_up: Callable[[], None]) -> None:
        """Follow the offsets until `stopping` is set; call `on_caught_up` whenever they have passed the ends."""
        while not stopping.is_set():
            was_caught_up = self.is_caught_up
            await self.look(brokers)
            if self.is_caught_up and not was_caught_up:
                on_caught_up()
            await is_set_within(self._doubt, WATCH_SECONDS if self.is_caught_up else BEHIND_SECONDS)

    async def look(self, brokers: Brokers) -> None:
        """Compare the saved offsets with the ends; while either is unknown, nothing is caught up."""
        self._doubt.clear()
        try:
            saved = await self._offsets.load_all(self._database)
            if self._has_moved_back(saved):
                self._wanted = None
            self._seen = saved
            if self._wanted is None:
                self.is_caught_up = False
                self._wanted = await brokers.spans(self._topics)
        except (BrokerError, *DATABASE_ERRORS) as error:
            self.is_caught_up = False
            self._say(cause=named(error))
        else:
            self._compare(self._wanted, saved)

    def _note_error(self, context: ExceptionContext) -> None:
        """Look again before anything else is done: whoever restores a database has to interrupt its connections."""
        if context.is_disconnect:
            self.is_caught_up = False
            self._doubt.set()

    def _has_moved_back(self, saved: Mapping[Partition, int]) -> bool:
        has_moved = any(saved.get(partition, -1) < offset for partition, offset in self._seen.items())
        if has_moved:
            log.warning("catching_up.offsets_moved_back")
        return has_moved

    def _compare(self, wanted: Mapping[Partition, Span], saved: Mapping[Partition, int]) -> None:
        behind = messages_behind(wanted, saved)
        if behind:
            self._say(messages=behind)
        elif not self.is_caught_up:
            # while a server refuses each change, each ends a connection, and nothing has changed
            if self._is_waiting or self._seldom.may_say(_DONE):
                log.info("catching_up.done")
            self._is_waiting = False
            self._seldom.forget(_WAITS)
        self.is_caught_up = not behind

    def _say(self, *, cause: str | None = None, messages: int | None = None) -> None:
        self._is_waiting = True
        if self._seldom.may_say(_WAITS):
            log.warning("catching_up.waits", cause=cause, messages=messages)


def messages_behind(wanted: Mapping[Partition, Span], saved: Mapping[Partition, int]) -> int:
    """Return how many offsets before the ends are not processed; a partition that keeps no messages has none."""
    return sum(max(span.high - saved.get(partition, span.low), 0) for partition, span in wanted.items())
