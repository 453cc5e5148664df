"""What the relay does with messages that are not acknowledged, on a real database and with answers that are decided."""

import asyncio
from collections import Counter

import pytest

from services.pipeline import relay
from services.pipeline.errors import DeliveryError, RefusedMessageError
from services.pipeline.relay import MAX_ROWS
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.scripted_producer import HoldingProducer, ScriptedProducer
from tests.integration.pipeline.topic_events import export_succeeded
from tests.waiting import eventually


async def test_a_topic_that_takes_nothing_does_not_hold_up_the_others_however_much_waits_for_it(
    outbox: OutboxUnderTest,
) -> None:
    away = [export_succeeded(f"away-{number}", 1) for number in range(MAX_ROWS + 1_000)]
    await outbox.add([*away, export_succeeded("good", 1)])
    producer = ScriptedProducer(lambda key: DeliveryError("timed out") if key.startswith("away") else None)
    async with outbox.relaying("relay", producer):
        await eventually(lambda: producer.taken == ["good"], seconds=60)


async def test_events_of_an_unavailable_kafka_wait_until_it_is_back(outbox: OutboxUnderTest) -> None:
    is_back = asyncio.Event()
    producer = ScriptedProducer(lambda _: None if is_back.is_set() else DeliveryError("timed out"))
    await outbox.add([export_succeeded(f"key-{number}", revision) for revision in (1, 2) for number in range(50)])
    async with outbox.relaying("relay", producer):
        await asyncio.sleep(1)
        assert await outbox.waiting() == 100
        is_back.set()
        await eventually(outbox.is_empty)
    assert len(producer.taken) == 100


async def test_an_event_that_kafka_lost_when_it_went_away_is_sent_again_as_soon_as_it_is_back(
    outbox: OutboxUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later events were taken before, but that does not mean that something is wrong with this one."""
    monkeypatch.setattr(relay, "RECENT_SECONDS", 0.1)
    producer = HoldingProducer("lost")
    await outbox.add([export_succeeded("lost", 1), export_succeeded("taken", 1)])
    async with outbox.relaying("relay", producer):
        await eventually(lambda: outbox.has_waiting(1))
        await asyncio.sleep(0.2)
        producer.answer(DeliveryError("timed out"))
        await eventually(outbox.is_empty, seconds=relay.RETRY_AFTER.total_seconds() / 2)
    assert producer.revisions() == [1, 1]


async def test_a_database_that_fails_while_events_are_parked_leaves_none_of_them_behind(
    outbox: OutboxUnderTest,
) -> None:
    """The table of parked events is away for a moment, as a database that is being restored may be."""
    is_allowed = asyncio.Event()
    producer = ScriptedProducer(lambda _: None if is_allowed.is_set() else RefusedMessageError("not authorised"))
    await outbox.add([export_succeeded(f"key-{number}", revision) for revision in (1, 2) for number in range(10)])
    async with outbox.relaying("relay", producer):
        await outbox.rename_parked("hidden")
        await asyncio.sleep(1)
        await outbox.rename_parked("outbox_parked", before="hidden")
        await eventually(lambda: outbox.has_parked(10))
        is_allowed.set()
        await outbox.retry_parked()
        await eventually(outbox.is_empty)
    assert Counter(producer.taken) == {f"key-{number}": 2 for number in range(10)}
