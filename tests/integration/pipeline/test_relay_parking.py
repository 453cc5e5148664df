"""Rows that the relay reads while it parks an earlier row of their key wait behind that row."""

import pytest

from services.pipeline.errors import RefusedMessageError
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.scripted_producer import HoldingProducer
from tests.integration.pipeline.scripted_storage import LateOutbox
from tests.integration.pipeline.topic_events import export_succeeded
from tests.waiting import eventually


class ParkingRelay:
    """A relay with one message of the key "key" in flight, and an outbox whose statements a test delays."""

    def __init__(self, under_test: OutboxUnderTest) -> None:
        self.late = LateOutbox(under_test.tables)
        under_test.outbox = self.late
        self.producer = HoldingProducer("key")
        self._under_test = under_test

    async def add(self, key: str, revision: int) -> None:
        await self._under_test.add([export_succeeded(key, revision)])

    async def read_late(self) -> None:
        """Add the next message of the key, and return while the relay has read it and its answer is on the way."""
        self.late.may_arrive.clear()
        await self.add("key", 2)
        await eventually(lambda: "key" in self.late.read_keys)

    async def begin_to_park(self) -> None:
        """Let Kafka refuse the message in flight, and return when the relay wants to park it."""
        self.late.may_park.clear()
        self.producer.answer(RefusedMessageError("not authorised"))
        await self.late.wants_to_park.wait()

    async def park(self) -> None:
        """Let the relay park the message."""
        self.late.may_park.set()
        await eventually(lambda: self._under_test.has_parked(1))

    async def arrive_once(self) -> None:
        """Let only this answer arrive, and return while the next one is on the way."""
        reads = self.late.reads
        self.late.may_arrive.set()
        self.late.may_arrive.clear()
        await eventually(lambda: self.late.reads > reads)

    async def arrive(self) -> None:
        """Let the rows arrive that were read, and return after all that could be sent was sent."""
        self.late.may_arrive.set()
        await self.add("other", 1)
        await eventually(lambda: self.producer.has_submitted(("other", 1)))


@pytest.mark.parametrize(
    "steps",
    [
        ("read_late", "begin_to_park", "park", "arrive"),
        ("read_late", "begin_to_park", "arrive_once", "park", "arrive"),
        ("begin_to_park", "read_late", "park", "arrive"),
        ("begin_to_park", "read_late", "arrive_once", "park", "arrive"),
    ],
    ids=" ".join,
)
async def test_a_row_is_not_sent_past_an_earlier_one_that_is_parked_meanwhile(
    outbox: OutboxUnderTest, steps: tuple[str, ...]
) -> None:
    relay = ParkingRelay(outbox)
    await relay.add("key", 1)
    async with outbox.relaying("relay", relay.producer):
        await eventually(lambda: relay.producer.has_submitted(("key", 1)))
        for step in steps:
            await getattr(relay, step)()
        assert relay.producer.revisions() == [1]
        await outbox.retry_parked()
        await eventually(outbox.is_empty)
    assert relay.producer.revisions() == [1, 1, 2]
