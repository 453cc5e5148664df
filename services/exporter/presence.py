"""Tells the other processes which connections this one has in its file, so that they leave their exports alone."""

from services.exporter.connections import Connections
from services.exporter.storage import connection_store, pollers
from services.exporter.storage.connection_store import Names
from services.pipeline.database import Database
from services.pipeline.lease_clock import GivenTime, own_time

PRESENCE_SECONDS = 10.0
"""How often a process says so; CONFIGURED outlasts two that were missed, LEFT is a little longer than this."""


class Presence:
    """Keeps the connections of one process known to all.

    While files differ, as during a rolling restart, an export of a connection that only another process has must not
    fail here, and the desk must not hear that the connection is gone. It does hear that of a former name, under which
    exports still wait for the process that has it.
    """

    def __init__(self, database: Database, connections: Connections, given_time: GivenTime = own_time) -> None:
        self._database = database
        self._connections = connections
        self._given_time = given_time
        self._said = Names()

    async def renew(self) -> None:
        """Say which connections are in the file, and which have left it; a renamed one keeps circuit and client."""
        connections = list(self._connections.by_name.values())
        former = frozenset(name for each in connections for name in each.settings.formerly)
        names, now = Names(frozenset(each.name for each in connections), former), self._given_time()
        async with self._database.begin() as db:
            for each in connections:
                if each.settings.formerly:
                    await connection_store.register_renamed(db, each.name, each.settings.formerly)
                    await pollers.register_renamed(db, each.name, each.settings.formerly)
            await connection_store.register(db, sorted(names.present))
            await connection_store.lock(db, sorted(names.all | self._said.all))
            await connection_store.no_longer_configured(db, self._said.without(names), now)
            await connection_store.keep_configured(db, names, now)
        self._said = names
