"""One kind of thing that a service keeps: the events that change it, and the store that holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline.database import Transaction
from services.pipeline.fold import Handlers, StateChange
from services.pipeline.writes import Writes

StateT = TypeVar("StateT")
RowT = TypeVar("RowT")


class Store(Protocol[StateT, RowT]):
    """Loads and saves the states of one kind of thing; both calls happen in the same transaction."""

    async def load(self, db: Transaction, keys: Sequence[str]) -> Mapping[str, StateT]:
        """Return the state of every key, locked, also of keys seen for the first time."""
        ...

    async def save(
        self, db: Transaction, writes: Writes, changes: Sequence[StateChange[StateT, RowT]]
    ) -> Sequence[Event[EventData]] | None:
        """Add the rows of all `changes` to `writes`, or write them; return events that only stored rows can make."""
        ...


@dataclass(frozen=True)
class Aggregate:
    """A table of handlers, and the store of the states that they change; an event's subject is the state's key."""

    name: str
    handlers: Handlers[Any, Any]
    store: Store[Any, Any]
    is_independent: bool = False
    """Whether its store reads nothing of this kind but the rows of the changed keys, so that batches may overlap."""

    @cached_property
    def topics(self) -> frozenset[str]:
        """The topics of the events that it handles."""
        return frozenset(on.data_type.topic for on in self.handlers)


def topics_of(aggregates: Sequence[Aggregate]) -> list[str]:
    """Return the topics of all `aggregates`, sorted."""
    return sorted(frozenset[str]().union(*(aggregate.topics for aggregate in aggregates)))
