"""Saves how calls to the ERPs went, in the circuits that all processes share."""

from datetime import datetime

from services.exporter.connections import Connection
from services.exporter.rules.circuit import Circuit, record_answer, record_missed_call
from services.exporter.storage import connection_store
from services.pipeline.database import Transaction


class Circuits:
    """The circuits as this process has `seen` them last, by connection."""

    def __init__(self) -> None:
        self.seen: dict[str, Circuit] = {}

    async def record(self, db: Transaction, connection: Connection, now: datetime, *, is_reached: bool) -> None:
        """Save the circuit after a call; its row is locked only where the circuit, as last seen, would change."""
        seen = self.seen.get(connection.name, Circuit())
        if _after_call(seen, connection, now, is_reached=is_reached) == seen:
            return
        row = (await connection_store.lock(db, [connection.name])).get(connection.name)
        after = _after_call(row.circuit if row else seen, connection, now, is_reached=is_reached)
        await connection_store.save_circuit(db, connection.name, after)
        self.seen[connection.name] = after


def _after_call(circuit: Circuit, connection: Connection, now: datetime, *, is_reached: bool) -> Circuit:
    if is_reached:
        return record_answer(circuit, now)
    settings = connection.settings
    return record_missed_call(circuit, now, settings.max_missed_calls, settings.pause_seconds)
