"""Shows what a service's own tables say, and begins the series of counters, so that a first event is an increase."""

from collections.abc import Sequence

from services.pipeline import metrics
from services.pipeline.catching_up import CatchingUp
from services.pipeline.database import Database
from services.pipeline.dead_letters import REASONS, DeadLetters
from services.pipeline.outbox import Backlog, Outbox
from services.pipeline.tables import KernelTables

OUTCOMES = ("applied", "unchanged", "dead_lettered")
"""What can become of an event."""
PARKED = ("retried", "refused")
"""Why an event is parked."""


def begin_series(service: str, topics: Sequence[str]) -> None:
    """Begin the series of what a service counts of `topics`: Prometheus sees no increase in one that begins at 1."""
    metrics.OFFSETS_OUT_OF_RANGE.labels(service)
    metrics.LOOP_HELD_SECONDS.labels(service)
    for topic in topics:
        metrics.PARTLY_READ.labels(service, topic)
        for outcome in OUTCOMES:
            metrics.EVENTS.labels(service, topic, outcome)


class Gauges:
    """The gauges of one service whose values are in its database, and whether it has caught up."""

    def __init__(
        self,
        service: str,
        database: Database,
        tables: KernelTables,
        outbox: Outbox,
        catching_up: CatchingUp | None = None,
    ) -> None:
        self._service = service
        self._database = database
        self._outbox = outbox
        self._letters = DeadLetters(tables)
        self._catching_up = catching_up
        self._reasons = set(REASONS)

    async def refresh(self) -> None:
        """Set the gauges."""
        if self._catching_up is not None:
            metrics.CAUGHT_UP.labels(self._service).set(self._catching_up.is_caught_up)
        async with self._database.autocommit() as db:
            backlog = await self._outbox.backlog(db)
            letters = await self._letters.count_by_reason(db)
            since = await self._letters.oldest_open_since(db) if letters else None
        age_seconds = 0.0 if since is None else (self._database.clock() - since).total_seconds()
        metrics.DEAD_LETTERS_OLDEST_AGE_SECONDS.labels(self._service).set(max(age_seconds, 0.0))
        self._reasons |= letters.keys()
        for reason in self._reasons:  # also those of which none is left
            metrics.DEAD_LETTERS.labels(self._service, reason).set(letters.get(reason, 0))
        self._show_outbox(backlog)

    def _show_outbox(self, backlog: Backlog) -> None:
        age_seconds = 0.0 if backlog.oldest is None else (self._database.clock() - backlog.oldest).total_seconds()
        metrics.OUTBOX_ROWS.labels(self._service).set(backlog.rows)
        for state, rows in zip(PARKED, (backlog.retrying, backlog.refused), strict=True):
            metrics.OUTBOX_PARKED.labels(self._service, state).set(rows)
        metrics.OUTBOX_OLDEST_AGE_SECONDS.labels(self._service).set(max(age_seconds, 0.0))
