"""Saves how calls to the ERPs went, in the circuits that all processes share."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.exporter.connections import Connection
from services.exporter.rules.circuit import (
    Circuit,
    CircuitPolicy,
    Heard,
    after_call,
    charged,
    circuit_policy,
    plausible,
)
from services.exporter.storage import connection_store, due
from services.pipeline.database import Transaction
from services.pipeline.writes import Writes


@dataclass(frozen=True, slots=True)
class Calls:
    """What calls to an ERP have shown; `heard` is None if none was made.

    `uncharged` are those beyond what was charged at the beginning; fewer give the rest back.
    """

    heard: Heard | None
    uncharged: int = 0


class Circuits:
    """The circuits as this process has `seen` them last, by connection."""

    def __init__(self) -> None:
        self.seen: dict[str, Circuit] = {}

    def saw(self, name: str, circuit: Circuit) -> None:
        """Note a circuit that was read without a lock; it may be a little older than what this process has saved."""
        known = self.seen.get(name)
        is_older = known is not None and replace(known, last_contact=circuit.last_contact) == circuit
        self.seen[name] = known if known and is_older else circuit

    async def record(
        self,
        db: Transaction,
        connection: Connection,
        now: datetime,
        calls: Calls,
        writes: Writes | None = None,
        *,
        trusts_seen: bool = True,
    ) -> Circuit:
        """Save the circuit after `calls`, and return it; its row is locked only where it, as last seen, would change.

        `writes` are executed before exports get back their places in the queue: they release some of them.
        """
        policy = circuit_policy(connection.settings)
        seen = self.seen.get(connection.name, Circuit())
        expected = _changed(seen, calls, policy, now)
        if trusts_seen and expected == seen:
            return seen
        self.seen[connection.name] = expected  # at once, so that the answers of this moment do not all wait for the row
        row = (await connection_store.lock(db, [connection.name])).get(connection.name)
        before = plausible(row.circuit, now) if row else seen
        after = _changed(before, calls, policy, now)
        if after != before:
            await connection_store.save_circuit(db, connection.name, after)
        if before.open_since is None and after.open_since is not None:
            if writes is not None:
                await writes.execute(db)
            await due.bring_back(db, connection.names, before.last_contact)
        self.seen[connection.name] = after
        return after


def _changed(circuit: Circuit, calls: Calls, policy: CircuitPolicy, now: datetime) -> Circuit:
    noted = after_call(circuit, calls.heard, policy, now) if calls.heard else circuit
    return charged(noted, calls.uncharged, policy, now)
