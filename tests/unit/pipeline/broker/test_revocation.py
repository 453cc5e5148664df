"""A partition may go, move on with another member and come back, at every moment between reading and settling."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from confluent_kafka import Message, TopicPartition

from services.pipeline.broker.consumer import BatchConsumer
from services.pipeline.errors import StaleBatchError
from services.pipeline.records import Batch, Partition
from services.pipeline.settings import KafkaSettings
from tests.unit.pipeline.samples import TOPIC

FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)
COMES_BACK = ["at once", "in the next turn"]
Rebalance = Callable[[], None]


def messages(partition: Partition, offsets: Iterable[int]) -> list[Message]:
    place = {"topic": partition.topic, "partition": partition.number, "key": b"c-1", "value": b"{}"}
    return [Message(**place, offset=offset, headers=[], timestamp=(1, 1_700_000_000_000)) for offset in offsets]


class ScriptedConsumer:
    """Stands for librdkafka's consumer, which rebalances when a broker wants it to: here, when a test does."""

    def __init__(self) -> None:
        self.polled: deque[Message | Rebalance] = deque()
        self.consumed: deque[Sequence[Message] | Rebalance] = deque()

    def poll(self, _timeout: float) -> Message | None:
        step = self.polled.popleft() if self.polled else None
        return step() if callable(step) else step

    def consume(self, _count: int, _timeout: float) -> Sequence[Message]:
        step = self.consumed.popleft() if self.consumed else []
        return (step() or []) if callable(step) else step

    def get_watermark_offsets(self, _partition: TopicPartition, *, cached: bool) -> tuple[int, int]:
        return (0, -1) if cached else (0, 0)

    def __getattr__(self, name: str) -> Callable[..., None]:
        assert name in {"incremental_assign", "incremental_unassign", "pause", "resume", "seek", "commit"}
        return lambda *_, **__: None


class Member:
    """One member of a group, whose turns a test takes; `saved` is what the database holds."""

    def __init__(self, saved: dict[Partition, int]) -> None:
        self.saved = saved
        self.settled: list[tuple[int, int]] = []
        self.may_settle = asyncio.Event()
        self.may_settle.set()
        settings = KafkaSettings(kafka_bootstrap_servers="127.0.0.1:9")
        self._reader = BatchConsumer(settings, "tests", [TOPIC], self._load, lambda _: None, self._settle)
        self._client = ScriptedConsumer()
        self._reader._consumer = self._client  # type: ignore[assignment] - scripted
        self._loop = self._reader._loop = asyncio.get_running_loop()

    async def _load(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {name: self.saved[name] for name in partitions if name in self.saved}

    async def _settle(self, batch: Batch, _decoded: None) -> None:
        """Settle as a service does: only if the saved offsets are where the batch began."""
        await self.may_settle.wait()
        if any(self.saved[partition] != begin for partition, begin in batch.begins.items()):
            raise StaleBatchError
        self.saved.update(batch.ends)
        self.settled += [(record.partition.number, record.offset) for record in batch.records]

    async def turn(self, polled: Message | Rebalance | None = None, consumed: Any = ()) -> None:
        """Take one turn of the consumer's thread, in which librdkafka gives these messages or rebalances."""
        self._client.polled.extend([polled] if polled else [])
        self._client.consumed.extend([consumed] if consumed else [])
        await asyncio.to_thread(self._reader._turn)
        await asyncio.sleep(0.01)  # for the batch that was handed over

    def assign(self, *partitions: Partition) -> None:
        self._reader._on_assign(self._client, _named(partitions))  # type: ignore[arg-type] - scripted

    def revoke(self, *partitions: Partition) -> None:
        """Revoke the partitions while the batch under way is finished."""
        self._loop.call_soon_threadsafe(self.may_settle.set)
        self._reader._on_revoke(self._client, _named(partitions))  # type: ignore[arg-type] - scripted


def _named(partitions: Iterable[Partition]) -> list[TopicPartition]:
    return [TopicPartition(*partition) for partition in partitions]


@pytest.fixture
async def member() -> Member:
    """A member that is settling a batch of the second partition, while three records of the first one wait."""
    made = Member({FIRST: 10, SECOND: 5})
    await asyncio.to_thread(made.assign, FIRST, SECOND)
    made.may_settle.clear()
    await made.turn(*messages(SECOND, [5]))
    first, *others = messages(FIRST, range(10, 13))
    await made.turn(first, others)
    assert made.settled == []
    return made


@pytest.mark.parametrize("comes_back", COMES_BACK)
@pytest.mark.parametrize("moved_to", [10, 12, 40])
async def test_records_that_waited_at_a_revocation_are_not_settled_from_memory_when_it_comes_back(
    member: Member, moved_to: int, comes_back: str
) -> None:
    """Nobody has read them meanwhile, or another member some of them, or all of them and more."""

    def come_back() -> None:
        member.saved[FIRST] = moved_to
        member.assign(FIRST)

    def rebalance() -> None:
        member.revoke(FIRST)
        if comes_back == "at once":
            come_back()

    await member.turn(rebalance)
    if comes_back != "at once":
        await member.turn(come_back)
    await member.turn()
    assert member.settled == [(1, 5)]

    first, *others = messages(FIRST, range(moved_to, moved_to + 3))
    await member.turn(first, others)
    await member.turn()

    assert member.settled == [(1, 5), *((0, offset) for offset in range(moved_to, moved_to + 3))]
    assert member.saved == {FIRST: moved_to + 3, SECOND: 6}


@pytest.mark.parametrize("comes_back", COMES_BACK)
async def test_a_message_that_was_polled_just_before_the_revocation_skips_nothing(
    member: Member, comes_back: str
) -> None:
    """The records before it were dropped at the revocation, so its offset must not be saved as if they were settled."""

    def rebalance() -> None:
        member.revoke(FIRST)
        if comes_back == "at once":
            member.assign(FIRST)

    (polled,) = messages(FIRST, [13])
    await member.turn(polled, rebalance)
    if comes_back != "at once":
        await member.turn(lambda: member.assign(FIRST))
    await member.turn()
    assert (member.settled, member.saved[FIRST]) == ([(1, 5)], 10)

    first, *others = messages(FIRST, range(10, 15))
    await member.turn(first, others)
    await member.turn()
    assert [offset for partition, offset in member.settled if partition == 0] == list(range(10, 15))
