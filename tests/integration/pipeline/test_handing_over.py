"""A batch hands its rows to the relay, which need not read them, and which keeps the order of each key all the same."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from schemas.envelope import Event
from schemas.events import EventData
from services.pipeline import relay
from services.pipeline.errors import DeliveryError
from services.pipeline.relay import MAX_ROWS
from services.pipeline.writes import Writes
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.scripted_producer import HoldingProducer, ScriptedProducer
from tests.integration.pipeline.scripted_storage import LapsingLease, LateOutbox
from tests.integration.pipeline.topic_events import export_succeeded
from tests.waiting import eventually

KEYS = [f"key-{number}" for number in range(20)]


def of_revision(revision: int, keys: Sequence[str] = KEYS) -> list[Event[EventData]]:
    return [export_succeeded(key, revision) for key in keys]


@pytest.fixture
def late(outbox: OutboxUnderTest) -> LateOutbox:
    outbox.outbox = LateOutbox(outbox.tables)
    return outbox.outbox


@pytest.fixture
async def elsewhere(outbox: OutboxUnderTest) -> AsyncIterator[OutboxUnderTest]:
    """The same tables as another process sees them."""
    other = OutboxUnderTest(
        "localhost:1", outbox.database.engine.url.render_as_string(hide_password=False), outbox.name
    )
    yield other
    await other.database.close()


async def test_rows_that_are_handed_over_are_sent_without_being_read(outbox: OutboxUnderTest, late: LateOutbox) -> None:
    producer = HoldingProducer("none")
    async with outbox.relaying("relay", producer):
        await eventually(lambda: late.reads > 0)
        await outbox.hand_over(of_revision(1))
        await eventually(lambda: len(producer.submitted) == len(KEYS))
        assert not late.read_keys
        await eventually(outbox.is_empty)
    assert producer.submitted == [(key, 1) for key in KEYS]


async def test_a_row_waits_for_an_earlier_one_that_another_process_wrote(
    outbox: OutboxUnderTest, elsewhere: OutboxUnderTest
) -> None:
    producer = HoldingProducer("none")
    async with outbox.relaying("relay", producer):
        for revision in range(1, 20, 2):
            await elsewhere.add(of_revision(revision))
            await outbox.hand_over(of_revision(revision + 1))
        await eventually(outbox.is_empty)
    assert [revision for key, revision in producer.submitted if key == "key-7"] == list(range(1, 21))


async def test_a_row_waits_behind_an_earlier_one_that_is_parked(outbox: OutboxUnderTest) -> None:
    attempts: list[str] = []

    def answer(key: str) -> DeliveryError | None:
        attempts.append(key)
        return DeliveryError("timed out") if key == "key-7" else None

    producer = ScriptedProducer(answer)
    async with outbox.relaying("relay", producer):
        await outbox.hand_over(of_revision(1))
        await outbox.hand_over([export_succeeded("good", 1)])
        await eventually(lambda: outbox.has_parked(1))
        await outbox.hand_over(of_revision(2))
        await eventually(lambda: len(producer.taken) == 2 * len(KEYS) - 1)
        await asyncio.sleep(1)
        assert await outbox.waiting() == 2
        assert attempts.count("key-7") == 1
        producer.answer = lambda _: None
        await outbox.retry_parked()
        await eventually(outbox.is_empty)
    assert producer.taken.count("key-7") == 2


async def test_rows_for_which_there_is_no_room_are_read_later(outbox: OutboxUnderTest) -> None:
    producer = ScriptedProducer(lambda _: None)
    keys = [f"key-{number}" for number in range(MAX_ROWS + 500)]
    async with outbox.relaying("relay", producer):
        await outbox.hand_over(of_revision(1, keys))
        await eventually(outbox.is_empty, seconds=60)
    assert sorted(producer.taken) == sorted(keys)


async def test_what_was_handed_over_before_the_lease_lapsed_is_not_sent_after_another_relay_has_sent_it(
    outbox: OutboxUnderTest, elsewhere: OutboxUnderTest, late: LateOutbox
) -> None:
    lease = LapsingLease(outbox.database, outbox.tables, "frozen")
    frozen, successor = HoldingProducer("none"), ScriptedProducer(lambda _: None)
    async with outbox.relaying("frozen", frozen, lease):
        await eventually(lambda: late.reads > 0)
        late.may_arrive.clear()
        await eventually(lambda: late.reads > 1)
        await outbox.hand_over([export_succeeded("key", 1)])  # it waits for the read
        await lease.lapse()
        await outbox.expire_lease()
        async with elsewhere.relaying("successor", successor):
            await eventually(outbox.is_empty)
            await elsewhere.add([export_succeeded("key", 2)])
            await eventually(outbox.is_empty)
        lease.come_back()
        await eventually(lease.is_held)
        late.may_arrive.set()
        await outbox.hand_over([export_succeeded("key", 3)])
        await eventually(outbox.is_empty)
    assert frozen.submitted == [("key", 3)]


async def test_a_row_that_was_read_and_sent_before_it_is_handed_over_is_not_sent_again(outbox: OutboxUnderTest) -> None:
    """The relay may be faster than the answer to the commit."""
    producer, writes = HoldingProducer("none"), Writes()
    async with outbox.relaying("relay", producer):
        await outbox.add([export_succeeded("first", 1)])
        await eventually(outbox.is_empty)
        async with outbox.database.begin() as db:
            written = await outbox.outbox.write(writes, [export_succeeded("key", 1)])
            await writes.execute(db)
        outbox.outbox.wake()
        await eventually(outbox.is_empty)
        await outbox.hand_over([export_succeeded("key", 2)])
        await eventually(outbox.is_empty)
        outbox.outbox.hand_over(written)
        await outbox.hand_over([export_succeeded("other", 1)])
        await eventually(lambda: producer.has_submitted(("other", 1)))
    assert producer.submitted == [("first", 1), ("key", 1), ("key", 2), ("other", 1)]


async def test_a_relay_with_much_on_its_way_does_not_look_for_more_all_the_time(
    outbox: OutboxUnderTest, late: LateOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MAX_BYTES", 12_000)
    producer = HoldingProducer("key")
    await outbox.add([export_succeeded("key", revision) for revision in range(1, 60)])
    async with outbox.relaying("relay", producer):
        await eventually(lambda: producer.has_submitted(("key", 1)))
        await asyncio.sleep(1)
        before = late.passes
        await asyncio.sleep(1)
        assert late.passes - before <= 5
        producer.answer(None)
        await eventually(outbox.is_empty)
