"""Which rows of the outbox may be sent now: one of each key at a time, and of a compacted topic only the newest."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from schemas.topics import BY_NAME
from schemas.values import value

RowName = tuple[int, datetime]
"""Names a row for good: its id and when it was written. A restored database gives the same ids to other rows."""


@value
class OutboxRow:
    """One event to be sent."""

    id: int
    created_at: datetime
    topic: str
    key: str
    value: bytes

    @property
    def name(self) -> RowName:
        """What the outbox deletes it by."""
        return self.id, self.created_at


class Sending(NamedTuple):
    """A row on its way to Kafka; `order` rises with each one, and `replaced` are older rows that it makes needless."""

    row: OutboxRow
    order: int
    replaced: tuple[RowName, ...] = ()

    @property
    def names(self) -> tuple[RowName, ...]:
        """The rows that are done with once Kafka has this one."""
        return (*self.replaced, self.row.name)


Key = tuple[str, str]
"""What Kafka keeps in order: a topic and a message key."""


class SendQueue:
    """Rows that were read from the outbox and are still in it.

    `known` names them all, so that none is read twice. `size_bytes` is the size of their values. `forgotten` changes
    when rows are forgotten that may still be in the outbox: what is being read meanwhile may belong behind them.
    """

    def __init__(self) -> None:
        self.known: set[RowName] = set()
        self.size_bytes = 0
        self._waiting: dict[Key, list[OutboxRow]] = {}
        self._free: dict[Key, None] = {}  # in order: keys with waiting rows of which none is being sent
        self._sending: dict[Key, Sending] = {}
        self._replaced: dict[Key, tuple[RowName, ...]] = {}  # of rows that were not acknowledged
        self._order = 0
        self._outdated = 0
        self.forgotten = 0

    @property
    def is_sending(self) -> bool:
        """Whether rows are on their way, or acknowledged and not deleted yet."""
        return bool(self._sending)

    @property
    def has_waiting(self) -> bool:
        """Whether rows wait that are not on their way."""
        return bool(self._waiting)

    def add(self, rows: Iterable[OutboxRow]) -> None:
        """Append those of `rows` that are not known; they are in the order of the outbox."""
        for row in rows:
            if row.name in self.known:
                continue
            key = (row.topic, row.key)
            self.known.add(row.name)
            self.size_bytes += len(row.value)
            self._waiting.setdefault(key, []).append(row)
            if key not in self._sending:
                self._free[key] = None

    def take(self) -> list[Sending]:
        """Return all rows that may be sent now."""
        chosen = [self._taken(key) for key in self._free]
        self._free.clear()
        return chosen

    def done(self, sent: Sequence[Sending]) -> None:
        """Forget rows that have left the outbox, so that the next ones of their keys may be sent."""
        for each in sent:
            self._end(each)
            self._forget((each.row,))
            self.known.difference_update(each.replaced)

    def give_back(self, sent: Sending) -> None:
        """Let a row that was not acknowledged wait again, in front of its key."""
        key = self._end(sent)
        self._waiting.setdefault(key, []).insert(0, sent.row)
        self._free[key] = None
        if sent.replaced:
            self._replaced[key] = sent.replaced

    def drop(self, sent: Sending) -> None:
        """Forget a row that is not acknowledged, and those that wait behind it: what is still in the outbox is read."""
        self.note_forgotten()
        key = self._end(sent)
        self._free.pop(key, None)
        self._forget((sent.row, *self._waiting.pop(key, ())))
        self.known.difference_update(sent.replaced)

    def note_forgotten(self) -> None:
        """Note that rows which are forgotten may have come back into the outbox, or have left it."""
        self.forgotten += 1

    def is_outdated(self, sent: Sending) -> bool:
        """Whether another process may have sent the row, and later ones of its key, since it was taken."""
        return sent.order <= self._outdated

    def forget_waiting(self) -> None:
        """Forget all rows that are not being sent, because another process may send them now, and all others."""
        self.note_forgotten()
        self._outdated = self._order
        for rows in self._waiting.values():
            self._forget(rows)
        for replaced in self._replaced.values():
            self.known.difference_update(replaced)
        self._waiting.clear()
        self._replaced.clear()
        self._free.clear()

    def _taken(self, key: Key) -> Sending:
        rows = self._waiting.pop(key)
        replaced: tuple[RowName, ...] = ()
        if len(rows) > 1 and _is_compacted(key[0]):
            replaced = tuple(row.name for row in rows[:-1])
            self.size_bytes -= sum(len(row.value) for row in rows[:-1])
            rows = rows[-1:]
        elif len(rows) > 1:
            self._waiting[key] = rows[1:]
        self._order += 1
        sending = self._sending[key] = Sending(rows[0], self._order, (*self._replaced.pop(key, ()), *replaced))
        return sending

    def _end(self, sent: Sending) -> Key:
        key = (sent.row.topic, sent.row.key)
        del self._sending[key]
        if key in self._waiting:
            self._free[key] = None
        return key

    def _forget(self, rows: Iterable[OutboxRow]) -> None:
        for row in rows:
            self.known.discard(row.name)
            self.size_bytes -= len(row.value)


def _is_compacted(topic_name: str) -> bool:
    """Whether only the newest row of a key counts; not on a topic that only a later release knows."""
    topic = BY_NAME.get(topic_name)
    return topic is not None and topic.is_compacted
