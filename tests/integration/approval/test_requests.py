"""The approver who rejected a revision is asked again once its correction waits, if they still have the right."""

from itertools import permutations
from typing import Any

import pytest

from schemas.commitment import Commitment
from schemas.envelope import Event, new_event
from schemas.events import ApprovalRequested, CommitmentResent, DirectoryPerson, DirectoryPersonRemoved, EventData
from schemas.examples.cast import CLOSED_COST_CODE, CONCRETE_2, DANA, SAM, snapshot
from schemas.fields import ToolLevel
from tests.integration.approval.consumer import ApprovalConsumer, example

DANA_ENTRY = example("directory.person", "approver")
SENT = example("commitment.sent", "concrete-works")
REJECTED = example("decision.rejected", "closed-cost-code")
RESENT = example("commitment.resent", "cost-code-corrected")
RETRIEVED = new_event(
    example("commitment.retrieved", "taken-back").data.model_copy(
        update={"commitment_id": CONCRETE_2.id, "revision": 2}
    ),
    source="test",
    time=RESENT.time,
)


async def requests(consumer: ApprovalConsumer) -> list[ApprovalRequested]:
    events = await consumer.published("approval.requested")
    return [event.data for event in events if isinstance(event.data, ApprovalRequested)]


def dana(**rights: Any) -> Event[EventData]:
    """A newer directory entry of Dana."""
    return new_event(DANA_ENTRY.data.model_copy(update={"version": 99, **rights}), source="test", time=DANA_ENTRY.time)


def resent(revision: int, commitment: Commitment = CONCRETE_2) -> Event[EventData]:
    data = CommitmentResent(
        company_id=RESENT.data.company_id,
        project_id=RESENT.data.project_id,
        commitment=snapshot(commitment),
        revision=revision,
        sent_by=SAM,
    )
    return new_event(data, source="test", time=RESENT.time)


async def test_the_approver_who_rejected_gets_the_changes(consumer: ApprovalConsumer) -> None:
    await consumer.process(DANA_ENTRY, SENT, REJECTED)
    assert await requests(consumer) == []
    await consumer.process(RESENT)
    (request,) = await requests(consumer)
    assert (request.revision, request.previous_revision, request.approver) == (2, 1, DANA)
    assert request.previous_reason == CLOSED_COST_CODE
    assert [(change.field, change.before, change.after) for change in request.changes] == [
        ("Line 3 cost code", "03-300", "03-310")
    ]
    assert (request.note, request.summary.number) == ("Moved to 03-310.", "SC-014")


async def test_one_request_is_published_in_any_order_and_batches(consumer: ApprovalConsumer) -> None:
    for order in permutations((SENT, REJECTED, RESENT)):
        for one_by_one in (True, False):
            await consumer.clear()
            await consumer.process(DANA_ENTRY)
            for batch in [[event] for event in order] if one_by_one else [order]:
                await consumer.process(*batch)
            await consumer.process(*order)
            assert [request.revision for request in await requests(consumer)] == [2], order


@pytest.mark.parametrize(
    "nothing", [[SENT, RESENT], [SENT, REJECTED], [REJECTED, RETRIEVED], [SENT, REJECTED, RETRIEVED]]
)
async def test_nothing_is_requested_while_no_correction_waits(
    consumer: ApprovalConsumer, nothing: list[Event[Any]]
) -> None:
    await consumer.process(DANA_ENTRY, *nothing)
    assert await requests(consumer) == []


async def test_nothing_is_requested_for_a_correction_that_was_retrieved(consumer: ApprovalConsumer) -> None:
    await consumer.process(DANA_ENTRY, SENT, REJECTED, RETRIEVED, RESENT)
    assert await requests(consumer) == []
    await consumer.process(resent(3))
    assert [request.revision for request in await requests(consumer)] == [3]


async def test_every_further_correction_is_requested(consumer: ApprovalConsumer) -> None:
    await consumer.process(DANA_ENTRY, SENT, REJECTED, RESENT)
    await consumer.process(resent(3, CONCRETE_2.model_copy(update={"title": "Concrete works, phase 1"})))
    assert [(each.previous_revision, each.revision) for each in await requests(consumer)] == [(1, 2), (1, 3)]


@pytest.mark.parametrize(
    "now",
    [
        dana(erp_tool=ToolLevel.READ_ONLY),
        dana(can_push_to_accounting=False),
        dana(erp_tool=ToolLevel.NONE),
        new_event(DirectoryPersonRemoved(person_id=DANA.id), source="test", time=DANA_ENTRY.time),
        None,
    ],
)
async def test_an_approver_who_lost_the_right_is_not_asked(consumer: ApprovalConsumer, now: Event[Any] | None) -> None:
    before = [DANA_ENTRY] if now else []
    await consumer.process(*before, SENT, REJECTED)
    if now is not None:
        await consumer.process(now)
    await consumer.process(RESENT)
    assert await requests(consumer) == []


async def test_an_approver_of_another_company_is_not_asked(consumer: ApprovalConsumer) -> None:
    stranger: DirectoryPerson = DANA_ENTRY.data.model_copy(update={"company_id": "company-666"})
    await consumer.process(new_event(stranger, source="test", time=DANA_ENTRY.time), SENT, REJECTED, RESENT)
    assert await requests(consumer) == []
