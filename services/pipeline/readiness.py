"""Answers whether a service is alive and ready, and shows it as a metric."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import structlog

from services.pipeline import metrics
from services.pipeline.broker import BatchConsumer, BrokerWatch
from services.pipeline.database import Database

LIVE_SECONDS = 60.0
DATABASE_SECONDS = 3.0
STANDBY_SECONDS = 60.0
"""After that, a killed process whose session had not expired yet cannot be the reason."""
SHOWN_SECONDS = 30.0
"""How long the metric shows a readiness that is not renewed: whatever holds that up, the service is not well."""

log = structlog.get_logger()


class Readiness:
    """Puts together what the parts of a service know."""

    def __init__(
        self,
        database: Database,
        consumer: BatchConsumer[Any] | None,
        watch: BrokerWatch,
        is_willing: Callable[[], bool],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._database = database
        self._consumer = consumer
        self._watch = watch
        self._is_willing = is_willing
        self._clock = clock
        self._idle_since: float | None = None
        self._shown: tuple[bool, float] = (False, 0.0)

    def is_live(self) -> bool:
        """Whether the consumer's thread makes progress; that this is answered at all shows that the event loop does."""
        return self._consumer is None or self._clock() - self._consumer.ticked_at < LIVE_SECONDS

    async def is_ready(self) -> bool:
        """Whether the service reads its topics or stands by, reaches its servers, and is not draining; never raises."""
        try:
            return self._can_read() and self._is_willing() and await self._reaches_database()
        except Exception:
            log.exception("service.readiness_unknown")
            return False

    async def show(self) -> None:
        """Set the metric."""
        self._shown = await self.is_ready(), self._clock()
        metrics.SERVICE_READY.set_function(self._as_shown)

    def hide(self) -> None:
        """Show that the service is not ready, and that nothing will change that."""
        self._shown = (False, 0.0)
        metrics.SERVICE_READY.set_function(self._as_shown)

    def note_idleness(self) -> None:
        """Note since when this member has had no partition although it could read: then others have them all."""
        consumer = self._consumer
        if consumer is None or not consumer.holds_nothing or consumer.refusals or not self._watch.can_read:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self._clock()

    def _can_read(self) -> bool:
        if not self._watch.can_read:
            return False
        consumer = self._consumer
        return consumer is None or consumer.is_reading or (consumer.holds_nothing and self._stands_by())

    def _stands_by(self) -> bool:
        return self._idle_since is not None and self._clock() - self._idle_since >= STANDBY_SECONDS

    async def _reaches_database(self) -> bool:
        try:
            return await asyncio.wait_for(self._database.is_reachable(), DATABASE_SECONDS)
        except TimeoutError:
            return False

    def _as_shown(self) -> float:
        is_ready, at = self._shown
        return float(is_ready and self._clock() - at < SHOWN_SECONDS)
