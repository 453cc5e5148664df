"""How far a service is behind on each partition, judged from its saved offsets and what the brokers say."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.pipeline.broker.brokers import Span
from services.pipeline.broker.inquiry import Group
from services.pipeline.records import Partition

MAX_NAMED = 3
"""How many partitions a sentence names."""


class Place(StrEnum):
    """Where a saved offset is."""

    IN_RANGE = "in range"
    NEVER_READ = "never read"
    """It begins at the oldest message."""
    BELOW = "out of range: below the oldest message"
    ABOVE = "out of range: above the end"
    UNKNOWN = "unknown: the partition has no leader, or does not exist"

    @property
    def is_out_of_range(self) -> bool:
        """Whether nothing is read until an operator decides."""
        return self in {Place.BELOW, Place.ABOVE}


def place_of(saved: int | None, span: Span | None) -> Place:
    """Return where `saved` is."""
    if span is None:
        return Place.UNKNOWN
    if saved is None:
        return Place.NEVER_READ
    if saved < span.low:
        return Place.BELOW
    return Place.ABOVE if saved > span.high else Place.IN_RANGE


def unread(saved: int | None, span: Span | None) -> int | None:
    """Return how many offsets are still to be read; None where nothing can be told."""
    if span is None or (saved is not None and saved > span.high):
        return None
    return span.high - max(saved or 0, span.low)


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How far one service is behind on one partition; `behind` is None where it cannot be told."""

    service: str
    partition: Partition
    saved: int | None
    span: Span | None
    behind: int | None
    oldest_at: datetime | None
    member: str
    host: str
    committed: int | None

    @property
    def place(self) -> Place:
        """Where the saved offset is."""
        return place_of(self.saved, self.span)

    @property
    def is_waiting(self) -> bool:
        """Whether something is unread, or nobody can read it."""
        return self.behind != 0 or self.place in {Place.BELOW, Place.ABOVE, Place.UNKNOWN}

    @property
    def needs_a_look(self) -> bool:
        """Whether something is unread, or nobody reads it, or nobody can."""
        return self.is_waiting or not self.member

    def age_seconds(self, now: datetime) -> float | None:
        """Return the age of the oldest unread message; None if it is not known."""
        return None if self.oldest_at is None else max((now - self.oldest_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the brokers and the database say about one service."""

    service: str
    partitions: Sequence[Partition]
    saved: Mapping[Partition, int]
    spans: Mapping[Partition, Span]
    group: Group
    committed: Mapping[Partition, int]
    is_kept_by_kafka: bool = False
    """Whether the saved offsets are those that Kafka keeps, as the digest's are."""

    def unread(self) -> Mapping[Partition, int]:
        """Return where the oldest unread message of each partition is that has some."""
        behind = ((each, unread(self.saved.get(each), self.spans.get(each))) for each in self.partitions)
        return {each: max(self.saved.get(each, 0), self.spans[each].low) for each, count in behind if count}

    def lags(self, times: Mapping[Partition, datetime]) -> list[PartitionLag]:
        """Return the lag of every partition; `times` are those of their oldest unread messages."""
        return [self._lag(each, times.get(each)) for each in self.partitions]

    def _lag(self, partition: Partition, oldest_at: datetime | None) -> PartitionLag:
        saved, span = self.saved.get(partition), self.spans.get(partition)
        holder = self.group.holder_of(partition)
        return PartitionLag(
            self.service,
            partition,
            saved,
            span,
            unread(saved, span),
            oldest_at,
            holder.name if holder else "",
            holder.host if holder else "",
            self.committed.get(partition),
        )


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a service is beyond."""

    service: str
    words: str


def to_look_at(lags: Iterable[PartitionLag], members: int) -> list[PartitionLag]:
    """Return those that need a look: where the group has no member, which `summary` says, only those that wait."""
    return [each for each in lags if (each.needs_a_look if members else each.is_waiting)]


def summary(service: str, lags: Sequence[PartitionLag], members: int, now: datetime) -> str:
    """Return one sentence about `service`: how far it is behind, on what, since when, and what nobody reads."""
    behind = _totals(lags)
    is_out_of_range = any(each.place.is_out_of_range for each in lags)
    rest = (
        " that is left" if is_out_of_range else " that can be seen" if any(each.behind is None for each in lags) else ""
    )
    parts = [f"{service} has read everything{rest}"] if not behind else [_behind_words(service, behind, lags, now)]
    unseen = [each for each in lags if each.place is Place.UNKNOWN]
    if not members:
        parts.append("its group has no member: no process of it runs, or none reaches Kafka")
    else:
        parts += _partition_words(
            [each for each in lags if not each.member and each not in unseen], lags, "nobody reads"
        )
    parts += _partition_words([each for each in lags if each.place.is_out_of_range], lags, "out of range:")
    parts += _partition_words(unseen, lags, "no leader, or no topic:")
    return "; ".join(parts)


def _behind_words(service: str, behind: Mapping[str, int], lags: Sequence[PartitionLag], now: datetime) -> str:
    topics = ", ".join(f"{count:,} on {topic}" for topic, count in behind.items())
    ages = [age for each in lags if (age := each.age_seconds(now)) is not None]
    oldest = f", the oldest {in_words(max(ages))} old" if ages else ""
    return f"{service} is {sum(behind.values()):,} messages behind ({topics}){oldest}"


def _totals(lags: Iterable[PartitionLag]) -> dict[str, int]:
    """Return the messages behind by topic, the most first, of those that have some."""
    totals: dict[str, int] = {}
    for each in lags:
        if each.behind:
            totals[each.partition.topic] = totals.get(each.partition.topic, 0) + each.behind
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


def _partition_words(which: Sequence[PartitionLag], lags: Sequence[PartitionLag], words: str) -> list[str]:
    """Return `words` with the partitions in `which`; a topic of which all partitions are meant is named once."""
    counts = Counter(each.partition.topic for each in lags)
    meant = Counter(each.partition.topic for each in which)
    whole = [topic for topic, count in meant.items() if count == counts[topic] > 1]
    single = [f"{topic}/{number}" for topic, number in (each.partition for each in which) if topic not in whole]
    more = f" and {len(single) - MAX_NAMED} more" if len(single) > MAX_NAMED else ""
    names = [*(f"all of {topic}" for topic in whole), *single[:MAX_NAMED]]
    return [f"{words} {', '.join(names)}{more}"] if names else []


def beyond(
    lags: Iterable[PartitionLag], now: datetime, max_messages: int | None, max_age_seconds: float | None
) -> list[Excess]:
    """Return where a service is further behind than allowed; what cannot be told counts as beyond a limit."""
    by_service: dict[str, list[PartitionLag]] = {}
    for each in lags:
        by_service.setdefault(each.service, []).append(each)
    found = []
    for service, own in by_service.items():
        total, ages = sum(each.behind or 0 for each in own), [each.age_seconds(now) or 0.0 for each in own]
        unknown = sum(each.behind is None for each in own)
        if max_messages is not None and (total > max_messages or unknown):
            found.append(Excess(service, f"{total:,} messages behind, {unknown} partitions unknown"))
        if max_age_seconds is not None and max(ages, default=0.0) > max_age_seconds:
            found.append(Excess(service, f"the oldest unread message is {in_words(max(ages))} old"))
    return found


_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def in_words(seconds: float) -> str:
    """Return a span of time as an operator reads it: 12 s, 3 min, 5 h, 2 d."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
