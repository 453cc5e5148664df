"""Batches are settled in the event loop while the next is read and decoded, and are collected in their order."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from services.pipeline.broker.fetched import BATCH_RECORDS
from services.pipeline.broker.hand_over import HandOver
from services.pipeline.broker.positions import Positions
from services.pipeline.records import Batch, Partition, Record
from tests.unit.pipeline.samples import TOPIC, record

PARTITION = Partition(TOPIC, 0)
SECONDS = 10.0


class Settled:
    """Settles a batch when it is allowed to; remembers what it got."""

    def __init__(self) -> None:
        self.batches: list[tuple[int | None, int, list[int]]] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def settle(self, batch: Batch, offsets: list[int]) -> None:
        self.batches.append((batch.begins[PARTITION], batch.ends[PARTITION], offsets))
        await self.may_end.wait()
        if self.error:
            raise self.error


def offsets_of(records: Sequence[Record]) -> list[int]:
    return [each.offset for each in records]


def handing_over(settled: Settled) -> tuple[HandOver[list[int]], Positions]:
    positions = Positions()
    positions.assign({PARTITION: 0})
    return HandOver(positions, offsets_of, settled.settle), positions


async def submit(hand_over: HandOver[list[int]]) -> None:
    """Hand over what there is, as the consumer's thread does in every turn."""
    hand_over.prepare()
    hand_over.submit(asyncio.get_running_loop())
    await asyncio.sleep(0.01)


async def collect(hand_over: HandOver[list[int]]) -> BaseException | None:
    return await asyncio.to_thread(hand_over.collect, SECONDS)


async def test_a_lone_record_is_settled_at_once() -> None:
    settled = Settled()
    hand_over, positions = handing_over(settled)
    hand_over.add([record(0)])

    await submit(hand_over)

    assert settled.batches == [(0, 1, [0])]
    assert (positions.taken[PARTITION], positions.kept[PARTITION]) == (1, 0)
    settled.may_end.set()
    assert await collect(hand_over) is None
    assert positions.kept[PARTITION] == 1


async def test_what_arrives_meanwhile_becomes_one_batch_that_begins_where_the_other_ends() -> None:
    settled = Settled()
    hand_over, positions = handing_over(settled)
    hand_over.add([record(0)])
    await submit(hand_over)
    for offset in (1, 2, 3):
        hand_over.add([record(offset)])
        await submit(hand_over)

    assert len(settled.batches) == 1
    settled.may_end.set()
    await collect(hand_over)
    await submit(hand_over)
    await collect(hand_over)

    assert settled.batches[1:] == [(1, 4, [1, 2, 3])]
    assert positions.kept[PARTITION] == 4


def a_full_batch(begin: int) -> list[Record]:
    return [record(offset, value=b"{}") for offset in range(begin, begin + BATCH_RECORDS)]


async def submit_two(hand_over: HandOver[list[int]]) -> None:
    """Hand over a lone record, and a full batch beside it."""
    hand_over.add([record(0)])
    await submit(hand_over)
    hand_over.add(a_full_batch(1))
    await submit(hand_over)


async def test_a_full_batch_is_settled_beside_another_one_and_the_next_is_decoded_before_nothing_more_is_taken() -> (
    None
):
    settled = Settled()
    hand_over, positions = handing_over(settled)
    await submit_two(hand_over)
    assert [batch[:2] for batch in settled.batches] == [(0, 1), (1, BATCH_RECORDS + 1)]

    hand_over.add(a_full_batch(BATCH_RECORDS + 1))
    await submit(hand_over)
    assert (hand_over.room, hand_over.has_waiting) == (0, True)
    assert len(settled.batches) == 2

    settled.may_end.set()
    await collect(hand_over)
    await submit(hand_over)
    assert settled.batches[2][:2] == (BATCH_RECORDS + 1, 2 * BATCH_RECORDS + 1)
    assert hand_over.room == BATCH_RECORDS
    assert await asyncio.to_thread(hand_over.finish, SECONDS) is None
    assert positions.kept[PARTITION] == 2 * BATCH_RECORDS + 1


async def test_all_batches_that_are_being_settled_are_finished_before_a_partition_is_given_back() -> None:
    settled = Settled()
    hand_over, positions = handing_over(settled)
    await submit_two(hand_over)

    asyncio.get_running_loop().call_later(0.05, settled.may_end.set)
    assert await asyncio.to_thread(hand_over.finish, SECONDS) is None
    assert positions.kept[PARTITION] == BATCH_RECORDS + 1
    assert hand_over.settling is None


async def test_the_time_of_a_batch_begins_when_the_one_before_has_ended() -> None:
    """Otherwise two slow batches would look like one that makes no progress, and the process would be ended."""
    may_end = [asyncio.Event(), asyncio.Event()]
    positions = Positions()
    positions.assign({PARTITION: 0})
    hand_over = HandOver(positions, offsets_of, lambda batch, _: may_end[min(batch.begins[PARTITION] or 0, 1)].wait())
    await submit_two(hand_over)

    ended_at = monotonic()
    may_end[0].set()
    await collect(hand_over)
    assert hand_over.settling is not None
    assert hand_over.settling.since >= ended_at
    may_end[1].set()
    assert await collect(hand_over) is None


async def test_what_is_settled_beside_a_batch_that_fails_is_not_forgotten() -> None:
    settled = Settled()
    settled.error = ConnectionResetError("the database is away")
    hand_over, positions = handing_over(settled)
    await submit_two(hand_over)
    settled.may_end.set()

    assert await collect(hand_over) is settled.error
    assert hand_over.settling is not None
    assert await collect(hand_over) is settled.error
    assert (hand_over.settling, positions.kept[PARTITION]) == (None, 0)


async def test_a_failed_batch_keeps_nothing_and_says_why() -> None:
    settled = Settled()
    settled.error = ConnectionResetError("the database is away")
    settled.may_end.set()
    hand_over, positions = handing_over(settled)
    hand_over.add([record(0)])
    await submit(hand_over)

    assert await collect(hand_over) is settled.error
    assert positions.kept[PARTITION] == 0
    assert hand_over.settling is None


async def test_a_batch_that_is_still_being_settled_is_not_waited_for_longer_than_asked() -> None:
    settled = Settled()
    hand_over, _ = handing_over(settled)
    hand_over.add([record(0)])
    await submit(hand_over)

    assert await asyncio.to_thread(hand_over.collect, 0.01) is None
    assert hand_over.settling is not None
    settled.may_end.set()
    await collect(hand_over)


async def test_the_records_of_a_revoked_partition_are_dropped_from_a_decoded_batch_too() -> None:
    settled = Settled()
    other = Partition(TOPIC, 1)
    hand_over, positions = handing_over(settled)
    positions.assign({other: 0})
    hand_over.add([record(0), record(0, partition=1), record(1)])
    hand_over.prepare()

    positions.revoke([other])
    hand_over.drop({other})
    settled.may_end.set()
    await submit(hand_over)
    await collect(hand_over)

    assert settled.batches == [(0, 2, [0, 1])]


async def test_after_a_clear_nothing_waits() -> None:
    hand_over, _ = handing_over(Settled())
    hand_over.add([record(0)])
    hand_over.prepare()
    hand_over.add([record(1)])

    hand_over.clear()

    assert not hand_over.has_waiting
