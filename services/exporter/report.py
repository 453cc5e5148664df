"""Reports how every ERP connection is doing: an event when it changes, and gauges all the time."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from schemas.envelope import Event, new_event
from schemas.events import ErpConnection, EventData
from services.exporter import metrics
from services.exporter.connections import Connections
from services.exporter.connectors.pull import PullSettings
from services.exporter.rules.circuit import Circuit, plausible
from services.exporter.rules.clients import is_away
from services.exporter.rules.published_events import SOURCE
from services.exporter.storage import comparisons, connection_store, queries
from services.exporter.storage.connection_store import LockedConnection
from services.exporter.storage.queries import SeenConnection, UnfinishedExports
from services.exporter.storage.tables import CONNECTION
from services.exporter.told_of_client import told_of_client
from services.pipeline.clock import Clock
from services.pipeline.database import Database, Transaction
from services.pipeline.metrics import WORK_SET_ASIDE
from services.pipeline.outbox import Outbox
from services.pipeline.slices import mapped
from services.pipeline.unreadable import read_or_none

ANNOUNCE_SECONDS = 2.0
REPORT_SECONDS = 5.0
IDLE_AFTER = timedelta(minutes=2)
"""After so long without a contact, a connection rests."""

STILL_AWAY = timedelta(seconds=30)
"""For so long after a pause that no answer has ended, an ERP counts as away: the next call has just begun."""


class ConnectionReport:
    """Announces connections that changed, and refreshes the exporter's gauges."""

    def __init__(self, database: Database, outbox: Outbox, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._connections = connections
        self._clock = clock

    async def announce_changes(self) -> None:
        """Publish an event for each connection of which more is news than how many commitments wait for it.

        Nothing is counted without such news, so that an outage is announced soon however much waits.
        """
        names = sorted(self._connections.by_name)
        async with self._database.autocommit() as db:
            known = await queries.announced(db, names)
            if not await self._has_news(names, known):
                return
            seen = await queries.connections(db, {name: self._connections.names_of(name) for name in names})
        await self._publish_news(names, seen)

    async def report(self) -> None:
        """Publish an event for each connection that no process has announced as it is now, and refresh the gauges."""
        names = sorted(self._connections.by_name)
        async with self._database.autocommit() as db:
            seen = await queries.connections(db, {name: self._connections.names_of(name) for name in names})
            removed = await queries.removed_connections(db, names, self._clock())
            unfinished = await queries.count_unfinished(db, self._clock())
            WORK_SET_ASIDE.labels("exporter").set(await queries.count_set_aside(db))
            drifted = await comparisons.count_drifted(db)
        if await self._has_news(names, seen):
            await self._publish_news(names, seen)
        if removed:
            await self._publish_removed(removed)
        self._set_poll_gauges(seen)
        _set_circuit_gauges({name: seen[name].circuit if name in seen else Circuit() for name in names})
        self._set_export_gauges(unfinished)
        await mapped(lambda name: self._set_drifted(name, drifted), names)

    async def _publish_news(self, names: Sequence[str], seen: Mapping[str, SeenConnection]) -> None:
        """Announce what is still news once no other process can announce it at the same time."""
        async with self._database.begin() as db:
            await connection_store.register(db, names)
            rows = await connection_store.lock(db, names)
            events = [await self._announce(db, name, row, seen.get(name)) for name, row in rows.items()]
            await self._outbox.add(db, [event for event in events if event])
        self._outbox.wake()

    async def _publish_removed(self, names: Sequence[str]) -> None:
        """Announce that no company exports through these connections any more, so that the desk shows none there."""
        async with self._database.begin() as db:
            rows = await connection_store.lock(db, names)
            events = [await self._announce_removed(db, name, row) for name, row in rows.items()]
            await self._outbox.add(db, [event for event in events if event])
        self._outbox.wake()

    async def _announce_removed(self, db: Transaction, name: str, row: LockedConnection) -> Event[EventData] | None:
        if row.announced is None:
            return None
        last = {"companies": (), "version": self._next_version(row)}
        read = partial(_announcement_of, row.announced, last)
        announcement = read_or_none(CONNECTION, name, read)
        return None if announcement is None else await self._new_announcement(db, row, announcement)

    def _set_drifted(self, name: str, drifted: Mapping[str, int]) -> None:
        metrics.begin_series(name)
        metrics.DRIFTED.labels(name).set(sum(drifted.get(each, 0) for each in self._connections.names_of(name)))

    async def _has_news(self, names: Sequence[str], seen: Mapping[str, SeenConnection]) -> bool:
        return any(await mapped(lambda name: self._is_news(name, seen.get(name)), names))

    def _is_news(self, name: str, seen: SeenConnection | None) -> bool:
        if seen is None:
            return True
        announcement = self._announcement(name, seen, version=0)
        return _comparable(announcement, self._clock()) != seen.announced

    async def _announce(
        self, db: Transaction, name: str, row: LockedConnection, seen: SeenConnection | None
    ) -> Event[EventData] | None:
        now_seen = replace(seen or SeenConnection(row.circuit, None, 0), circuit=row.circuit)
        announcement = self._announcement(name, now_seen, self._next_version(row))
        return await self._new_announcement(db, row, announcement)

    def _next_version(self, row: LockedConnection) -> int:
        return max(row.announced_version + 1, int(self._clock().timestamp() * 1000))

    async def _new_announcement(
        self, db: Transaction, row: LockedConnection, announcement: ErpConnection
    ) -> Event[EventData] | None:
        """Save an announcement and return its event; None if it says what was announced last."""
        content = _comparable(announcement, self._clock())
        if content == row.announced:
            return None
        await connection_store.save_announcement(db, announcement.name, content, announcement.version)
        return new_event(announcement, source=SOURCE, time=self._clock())

    def _announcement(self, name: str, seen: SeenConnection, version: int) -> ErpConnection:
        connection, now = self._connections.by_name[name], self._clock()
        circuit = plausible(seen.circuit, now)
        settings, away = connection.settings, _last_outage(circuit, now)
        return ErpConnection(
            name=name,
            version=version,
            kind=settings.kind,
            title=settings.title,
            formerly=settings.formerly,
            companies=settings.companies,
            priority=self._connections.place(name),
            projects=settings.projects,
            currencies=settings.currencies,
            kinds=settings.kinds,
            limits=settings.limits,
            circuit_open_since=circuit.open_since,
            paused_until=None if connection.is_polled else circuit.next_call(away),
            reason=circuit.reason if circuit.is_held_back(away) else None,
            last_contact=circuit.last_contact,
            queue_length=seen.queue_length,
            **told_of_client(connection, seen.poller, now),
        )

    def _set_poll_gauges(self, seen: Mapping[str, SeenConnection]) -> None:
        """Tell how long ago each client asked, and whether it stays away; not of one that has never asked."""
        metrics.POLL_AGE_SECONDS.clear()
        metrics.POLLER_AWAY.clear()
        for name, connection in self._connections.by_name.items():
            if not isinstance(connection.settings, PullSettings):
                continue
            for outcome in metrics.CONVERSATION_OUTCOMES:
                metrics.CONVERSATIONS.labels(name, outcome)  # so that the first one is an increase
            asked = seen[name].poller.last_asked if name in seen else None
            metrics.POLLER_AWAY.labels(name).set(is_away(asked, connection.settings.poll_minutes, self._clock()))
            if asked:
                metrics.POLL_AGE_SECONDS.labels(name).set(metrics.seconds_between(asked, self._clock()))

    def _set_export_gauges(self, unfinished: Sequence[UnfinishedExports]) -> None:
        """Count what goes through one connection together, whichever of its names it is kept under."""
        found: defaultdict[tuple[str, str], list[UnfinishedExports]] = defaultdict(list)
        for each in unfinished:
            name = self._connections.names_of(each.connection)[0] if each.connection else "none"
            found[name, each.state].append(each)
        metrics.EXPORTS.clear()
        metrics.EXPORTS_OLDEST_AGE_SECONDS.clear()
        for labels, members in found.items():
            metrics.EXPORTS.labels(*labels).set(sum(each.count for each in members))
            oldest = max(each.oldest_age_seconds for each in members)
            metrics.EXPORTS_OLDEST_AGE_SECONDS.labels(*labels).set(oldest)


def _announcement_of(announced: str, changed: Mapping[str, Any]) -> ErpConnection:
    return ErpConnection.model_validate(json.loads(announced) | changed)


def _last_outage(circuit: Circuit, now: datetime) -> datetime:
    """The time for which an outage is told: `now`, or just before the end of a pause that nothing has ended since."""
    paused_until = circuit.paused_until
    is_still_away = paused_until is not None and timedelta() <= now - paused_until < STILL_AWAY
    return paused_until - timedelta.resolution if paused_until and is_still_away else now


def _comparable(announcement: ErpConnection, now: datetime) -> str:
    """Return what makes an announcement new: everything but the version, and the seconds of a recent contact.

    The last contact before a rest is announced to the second, so that it is right for as long as the connection idles.
    """
    compared = announcement.model_copy(update={"last_contact": _rounded(announcement.last_contact, now)})
    if (poller := announcement.poller) is not None:
        asked = poller.model_copy(update={"last_asked": _rounded(poller.last_asked, now)})
        compared = compared.model_copy(update={"poller": asked})
    return json.dumps(compared.model_dump(mode="json", exclude={"version"}), sort_keys=True)


def _rounded(moment: datetime | None, now: datetime) -> datetime | None:
    return moment.replace(second=0, microsecond=0) if moment is not None and now - moment < IDLE_AFTER else moment


def _set_circuit_gauges(circuits: Mapping[str, Circuit]) -> None:
    metrics.CIRCUIT_OPEN.clear()
    for name, circuit in circuits.items():
        metrics.CIRCUIT_OPEN.labels(name).set(circuit.open_since is not None)
