"""One kind of thing that a service keeps, with the events that change it and the store that holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.database import Transaction
from services.pipeline.fold import On, StateChange

StateT = TypeVar("StateT")
RowT = TypeVar("RowT")


class Store(Protocol[StateT, RowT]):
    """Where the states of one kind of thing live; both calls happen inside one transaction."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, StateT]:
        """Return the locked state of every key, also of those seen for the first time."""
        ...

    async def save(
        self, db: Transaction, changes: Sequence[StateChange[StateT, RowT]]
    ) -> Sequence[Event[EventData]] | None:
        """Write every change with a handful of multi-row statements; return events that only rows could tell."""
        ...


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A table of handlers and the store of the states that they change; the key is the event's subject."""

    name: str
    handlers: tuple[On[Any, Any, Any], ...]
    store: Store[Any, Any]

    @property
    def topics(self) -> frozenset[str]:
        """The topics that this aggregate listens to."""
        return frozenset(on.data_type.topic for on in self.handlers)
