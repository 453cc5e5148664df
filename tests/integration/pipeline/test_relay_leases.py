"""A relay whose lease has lapsed neither sends nor parks what another relay may have sent meanwhile."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.pipeline.errors import DeliveryError, RefusedMessageError
from tests.integration.pipeline.outbox_under_test import OutboxUnderTest
from tests.integration.pipeline.scripted_producer import HoldingProducer, ScriptedProducer
from tests.integration.pipeline.scripted_storage import LapsingLease
from tests.integration.pipeline.topic_events import export_succeeded
from tests.waiting import eventually


@pytest.fixture
def lease(outbox: OutboxUnderTest) -> LapsingLease:
    return LapsingLease(outbox.database, outbox.tables, "frozen")


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (None, "before"),
        (None, "after"),
        (DeliveryError("timed out"), "before"),
        (DeliveryError("timed out"), "after"),
    ],
)
async def test_it_sends_nothing_that_another_one_has_sent_when_it_holds_the_lease_again(
    outbox: OutboxUnderTest, lease: LapsingLease, error: DeliveryError | None, answered: str
) -> None:
    """One message is in flight and two wait behind it; the answer comes before or after it holds the lease again."""
    frozen = HoldingProducer("key")
    await outbox.add([export_succeeded("key", revision) for revision in (1, 2, 3)])
    async with outbox.relaying("frozen", frozen, lease):
        await eventually(lambda: frozen.has_submitted(("key", 1)))
        await lease.lapse()
        await outbox.expire_lease()
        async with outbox.relaying("successor", ScriptedProducer(lambda _: None)):
            await eventually(outbox.is_empty)
        if answered == "before":
            frozen.answer(error)
        lease.come_back()
        await eventually(lease.is_held)
        frozen.answer(error)
        await outbox.add([export_succeeded("key", 4)])
        await eventually(outbox.is_empty)
    assert frozen.revisions() == [1, 4]


async def test_it_sends_nothing_before_it_holds_the_lease_again(outbox: OutboxUnderTest, lease: LapsingLease) -> None:
    frozen, successor = HoldingProducer("key"), HoldingProducer("key")
    await outbox.add([export_succeeded("key", revision) for revision in (1, 2)])
    async with outbox.relaying("frozen", frozen, lease):
        await eventually(lambda: frozen.has_submitted(("key", 1)))
        await lease.lapse()
        await outbox.expire_lease()
        async with outbox.relaying("successor", successor):
            await eventually(lambda: successor.has_submitted(("key", 1)))
            frozen.answer(None)
            await eventually(lambda: _has_rows(outbox, 1))
            await outbox.add([export_succeeded("other", 1)])
            await eventually(lambda: successor.has_submitted(("other", 1)))
            successor.answer(None)
            await eventually(outbox.is_empty)
        lease.come_back()
    assert (frozen.submitted, successor.revisions()) == ([("key", 1)], [1, 2])


@pytest.mark.parametrize("error", [DeliveryError("timed out"), RefusedMessageError("not authorised")])
async def test_it_parks_nothing_that_another_one_is_sending(
    outbox: OutboxUnderTest, lease: LapsingLease, error: DeliveryError
) -> None:
    """With the lease it would park both: what is refused, and what fails although a later message was taken."""
    frozen, successor = HoldingProducer("key"), HoldingProducer("key")
    await outbox.add([export_succeeded("key", revision) for revision in (1, 2)])
    async with outbox.relaying("frozen", frozen, lease):
        await eventually(lambda: frozen.has_submitted(("key", 1)))
        await outbox.add([export_succeeded("other", 1)])
        await eventually(lambda: _has_rows(outbox, 2))
        await lease.lapse()
        await outbox.expire_lease()
        async with outbox.relaying("successor", successor):
            await eventually(lambda: successor.has_submitted(("key", 1)))
            with capture_logs() as logged:
                frozen.answer(error)
                await eventually(lambda: any(line["event"] == "relay.not_acknowledged" for line in logged))
                await asyncio.sleep(0.2)  # by now it would be parked
            successor.answer(None)
            await eventually(lambda: successor.has_submitted(("key", 2)))
            await eventually(outbox.is_empty)
        lease.come_back()
    assert (frozen.revisions(), successor.revisions()) == ([1], [1, 2])


async def _has_rows(outbox: OutboxUnderTest, count: int) -> bool:
    return await outbox.waiting() == count
